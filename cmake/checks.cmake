# What the build enforces: every header compiles alone, and the tree is formatted.

# Header self-containment: one generated C file per header that includes nothing else.
file(GLOB_RECURSE headers RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS
  base/*.h host/*.h softmmu/*.h cpu/*.h accel/*.h devices/*.h ui/*.h debug/*.h machine/*.h modes/*.h cli/*.h
  tests/harness/*.h)
set(header_checks)
foreach(header ${headers})
  string(REPLACE "/" "_" name ${header})
  set(check ${CMAKE_BINARY_DIR}/header-checks/${name}.c)
  if(NOT EXISTS ${check})
    file(WRITE ${check} "#include \"${header}\"\n")
  endif()
  list(APPEND header_checks ${check})
endforeach()
if(header_checks)
  add_library(header-checks OBJECT ${header_checks})
  target_link_libraries(header-checks PRIVATE triarch_flags triarch_libs)
endif()

find_program(CLANG_FORMAT NAMES clang-format-14 clang-format)
if(CLANG_FORMAT)
  file(GLOB_RECURSE formatted CONFIGURE_DEPENDS
    base/*.[ch] host/*.[ch] softmmu/*.[ch] cpu/*.[ch] accel/*.[ch] devices/*.[ch] ui/*.[ch] debug/*.[ch] machine/*.[ch]
    modes/*.[ch] cli/*.[ch] cli/*.cc guests/*.[ch] bench/*.[ch] tests/*.[ch] tests/*.cc)
  add_custom_target(format COMMAND ${CLANG_FORMAT} -i ${formatted} COMMENT "Formatting")
  add_custom_target(format-check COMMAND ${CLANG_FORMAT} --dry-run -Werror ${formatted} COMMENT "Checking the format")
endif()
