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
