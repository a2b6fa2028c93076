# A layer is a folder of the tree built as one static library. The folder's files are its list: adding a file needs no
# edit here.

# triarch_sources(target folder): the folder's C files, by its own sub-folders.
function(triarch_sources target folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
  target_sources(${target} PRIVATE ${sources})
  target_link_libraries(${target} PUBLIC triarch_flags triarch_libs)
endfunction()

# triarch_layer(name below...): a library triarch_<name>, which may include what is below it.
function(triarch_layer name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c)
  if(NOT sources)
    add_library(triarch_${name} INTERFACE)
    foreach(below ${ARGN})
      target_link_libraries(triarch_${name} INTERFACE triarch_${below})
    endforeach()
    target_link_libraries(triarch_${name} INTERFACE triarch_flags triarch_libs)
    return()
  endif()
  add_library(triarch_${name} STATIC)
  triarch_sources(triarch_${name} ${name})
  foreach(below ${ARGN})
    target_link_libraries(triarch_${name} PUBLIC triarch_${below})
  endforeach()
endfunction()

# The files of KVM for one host processor include what its kernel alone has: of kvm_<processor>*.c, only the host's are
# built. A processor without such files gets kvm_other.c.
function(triarch_kvm layer)
  set(names x86_64 aarch64 riscv64 other)
  list(FIND names ${CMAKE_SYSTEM_PROCESSOR} at)
  if(at EQUAL -1)
    set(host other)
  else()
    set(host ${CMAKE_SYSTEM_PROCESSOR})
  endif()
  get_target_property(sources triarch_${layer} SOURCES)
  list(REMOVE_ITEM names ${host})
  foreach(name ${names})
    list(FILTER sources EXCLUDE REGEX "/kvm_${name}[a-z_]*\\.c$")
  endforeach()
  set_target_properties(triarch_${layer} PROPERTIES SOURCES "${sources}")
endfunction()
