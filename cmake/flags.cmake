# Compiler flags: one warning set for every file, and the rules the interpreter's speed depends on.
include(CheckCCompilerFlag)

add_library(triarch_flags INTERFACE)
target_include_directories(triarch_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(triarch_flags INTERFACE _GNU_SOURCE TRIARCH_VERSION="${PROJECT_VERSION}")
target_compile_options(triarch_flags INTERFACE
  -Wall -Wextra -Wshadow -Wvla -Wpointer-arith -Wcast-qual -Wundef
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition>
  -fno-strict-aliasing -fno-common -fwrapv)
if(TRIARCH_WERROR)
  target_compile_options(triarch_flags INTERFACE -Werror)
endif()

set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

# Sixteen-byte compare-and-swap, which x86_64 processors have since 2006 and compilers use only when told.
check_c_compiler_flag(-mcx16 TRIARCH_HAS_MCX16)
if(TRIARCH_HAS_MCX16)
  target_compile_options(triarch_flags INTERFACE -mcx16)
endif()

if(TRIARCH_SANITIZE)
  target_compile_options(triarch_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer)
  target_link_options(triarch_flags INTERFACE -fsanitize=address,undefined)
endif()

# Handlers tail-call the next one (cpu/README in ARCHITECTURE.md). Without optimisation, or under sanitizers, a
# compiler does not promise that, and a plain loop is used.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT TRIARCH_SANITIZE)
  target_compile_definitions(triarch_flags INTERFACE INTERP_TAIL_CALLS=1)
else()
  target_compile_definitions(triarch_flags INTERFACE INTERP_TAIL_CALLS=0)
endif()
