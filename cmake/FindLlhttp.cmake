# llhttp as the target Llhttp::llhttp.
#
# Debian ships llhttp as C sources (the package node-llhttp provides llhttp-dev). They are compiled
# here in strict mode, because the mode is fixed at compile time and every verdict of core/http is
# tested against this one. -DPOLYPORT_SYSTEM_LLHTTP=ON takes an installed libllhttp instead, whose
# mode nobody can choose.
if(POLYPORT_SYSTEM_LLHTTP)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(LLHTTP REQUIRED IMPORTED_TARGET libllhttp)
  add_library(Llhttp::llhttp ALIAS PkgConfig::LLHTTP)
  set(Llhttp_FOUND TRUE)
  return()
endif()

find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp /usr/include/llhttp)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Llhttp
  REQUIRED_VARS LLHTTP_SOURCE_DIR LLHTTP_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install llhttp-dev (Debian: node-llhttp)")

if(Llhttp_FOUND AND NOT TARGET Llhttp::llhttp)
  add_library(polyport_llhttp STATIC ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c
                                     ${LLHTTP_SOURCE_DIR}/llhttp.c)
  target_compile_definitions(polyport_llhttp PRIVATE LLHTTP_STRICT_MODE=1)
  target_include_directories(polyport_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
  target_compile_options(polyport_llhttp PRIVATE -w)
  add_library(Llhttp::llhttp ALIAS polyport_llhttp)
endif()
