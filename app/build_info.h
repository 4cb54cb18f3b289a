// What was decided when this program was built: its version, the libraries in it, the demo
// configuration it carries. The values are written by CMake (build_info.cc.in).
#pragma once

#include <span>
#include <string_view>

namespace polyport {

struct Library {
  std::string_view name;
  std::string_view version;
};

std::string_view version();             // "0.1.0"
std::string_view compiler();            // "GNU 12.2.0"
std::string_view build_type();          // "Release", with the sanitizers where there are any
std::span<const Library> libraries();   // those it was built with
std::string_view demo_configuration();  // the text of config/polyport.toml

}  // namespace polyport
