// polyport --version: which build this is; with --verbose what is in it.
#pragma once

namespace polyport {

struct VersionOptions {
  enum class Detail { kShort, kVerbose };
  Detail detail = Detail::kShort;
};

int run_command(const VersionOptions& options);

}  // namespace polyport
