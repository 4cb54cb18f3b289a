// Source: where a configuration's text comes from. A file, standard input, the demo in the program,
// or services named on the command line ("http:8080 echo:10007"), which become a configuration text
// too, so that there is one way to check and load them all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace polyport {

struct Source {
  std::string text;
  std::string name;  // as messages call it: the path, "standard input", "demo", "command line"
  // Of services named on the command line: the argument that each line of the text came from.
  std::vector<std::string> arguments;
  Errors errors;  // what stands on the command line is wrong; all of them

  // The argument itself for "command line:4:3"; any other place as it is.
  std::string named_place(const std::string& place) const;
};

// `what` is the list of arguments behind `run` or `check`: nothing, one path, "-", or services.
Source read_source(const std::vector<std::string>& what);

// A configuration of TYPE[@NAME]:ENDPOINT arguments. Those of one name share a service; health and
// admin are off unless named.
Source ad_hoc_source(const std::vector<std::string>& arguments);

// No configuration file is larger; whoever passes a disk image learns it at once.
inline constexpr std::size_t kMaxConfigurationBytes = 1 << 20;

}  // namespace polyport
