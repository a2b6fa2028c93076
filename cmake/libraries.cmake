# Libraries. Needed ones stop the configuration with the name of the Debian package; optional ones leave a definition
# HAVE_X=0, and the program says what is missing when it is asked for it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_library(triarch_libs INTERFACE)
# atomic: 16-byte compare-and-swap, which compilers leave to their own run-time library.
target_link_libraries(triarch_libs INTERFACE Threads::Threads m atomic)

function(triarch_library name module package need)
  string(TOUPPER ${name} upper)
  pkg_check_modules(${upper} QUIET IMPORTED_TARGET ${module})
  if(${upper}_FOUND)
    target_link_libraries(triarch_libs INTERFACE PkgConfig::${upper})
    target_compile_definitions(triarch_libs INTERFACE HAVE_${upper}=1)
  elseif(need STREQUAL "REQUIRED")
    message(FATAL_ERROR "${name} is missing: install ${package} (scripts/setup build does it)")
  else()
    message(STATUS "${name} is missing (${package}): what needs it is left out")
    target_compile_definitions(triarch_libs INTERFACE HAVE_${upper}=0)
  endif()
endfunction()

triarch_library(libuv libuv libuv1-dev REQUIRED)
triarch_library(zlib zlib zlib1g-dev REQUIRED)
triarch_library(zstd libzstd libzstd-dev OPTIONAL)
triarch_library(slirp slirp libslirp-dev OPTIONAL)
triarch_library(png libpng libpng-dev OPTIONAL)
triarch_library(seccomp libseccomp libseccomp-dev OPTIONAL)

# Headers only: the program loads these libraries when they are needed (host/capstone.c, ui/library.h).
function(triarch_headers name module package)
  string(TOUPPER ${name} upper)
  pkg_check_modules(${upper} QUIET ${module})
  if(${upper}_FOUND)
    target_include_directories(triarch_libs SYSTEM INTERFACE ${${upper}_INCLUDE_DIRS})
    target_link_libraries(triarch_libs INTERFACE ${CMAKE_DL_LIBS})
    target_compile_definitions(triarch_libs INTERFACE HAVE_${upper}=1)
  else()
    message(STATUS "${name} is missing (${package}): what needs it is left out")
    target_compile_definitions(triarch_libs INTERFACE HAVE_${upper}=0)
  endif()
endfunction()

triarch_headers(capstone capstone libcapstone-dev)
triarch_headers(sdl2 sdl2 libsdl2-dev)
triarch_headers(vncserver libvncserver libvncserver-dev)

# libfdt has no pkg-config file in Debian 12.
find_path(FDT_INCLUDE libfdt.h)
find_library(FDT_LIBRARY fdt)
if(NOT FDT_INCLUDE OR NOT FDT_LIBRARY)
  message(FATAL_ERROR "libfdt is missing: install libfdt-dev (scripts/setup build does it)")
endif()
target_link_libraries(triarch_libs INTERFACE ${FDT_LIBRARY})

# toml++'s headers are all of it.
find_path(TOML_INCLUDE toml++/toml.h)
if(TOML_INCLUDE)
  target_include_directories(triarch_libs SYSTEM INTERFACE ${TOML_INCLUDE})
  target_compile_definitions(triarch_libs INTERFACE HAVE_TOML=1)
else()
  message(STATUS "toml++ is missing (libtomlplusplus-dev): what needs it is left out")
  target_compile_definitions(triarch_libs INTERFACE HAVE_TOML=0)
endif()
