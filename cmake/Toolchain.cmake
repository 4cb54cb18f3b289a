# Warnings, sanitizers, the compiler cache and the linker. Applied through the
# interface target polyport_flags, so that third-party C sources are left alone.
add_library(polyport_flags INTERFACE)
target_compile_options(polyport_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers
  $<$<BOOL:${POLYPORT_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Optimising, g++ 12 sees overlaps in std::string's operator+ that are not there (GCC PR 105651).
  target_compile_options(polyport_flags INTERFACE -Wno-restrict)
endif()
target_include_directories(polyport_flags INTERFACE ${CMAKE_SOURCE_DIR})

if(POLYPORT_SANITIZE)
  # Whole-tree, C sources included: a sanitizer that sees half a program reports nonsense.
  add_compile_options(-fsanitize=${POLYPORT_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${POLYPORT_SANITIZE})
endif()
if(POLYPORT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # -O2 rather than CMake's -O3: a smaller program, and most of a request's time is the kernel's.
  string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections -Wl,--as-needed)
endif()

find_program(POLYPORT_CCACHE ccache)
if(POLYPORT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${POLYPORT_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${POLYPORT_CCACHE})
endif()
find_program(POLYPORT_MOLD mold)
if(POLYPORT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
