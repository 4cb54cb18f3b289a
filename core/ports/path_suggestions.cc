#include "core/ports/path_suggestions.h"

#include <cerrno>
#include <filesystem>

#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/ports/stop_holder.h"
#include "core/ports/suggestions.h"

namespace polyport {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestPath = 107;  // unix(7), without the final zero

class Collector {
 public:
  Collector(const Explanation& explanation, const PortFacts& facts)
      : explanation_(explanation), facts_(facts) {}

  std::vector<Suggestion> collect() {
    switch (explanation_.verdict) {
      case Verdict::kTaken:
        taken();
        break;
      case Verdict::kForbidden:
        add_command("permission", "ls -ld", folder(),
                    "shows who may write there; listen on a path in a directory of your own");
        break;
      case Verdict::kUnavailable:
      case Verdict::kInvalid:
        unavailable();
        break;
      case Verdict::kFree:
        break;
    }
    return std::move(found_);
  }

 private:
  const std::string& path() const { return explanation_.attempt.target.path; }
  int error() const { return explanation_.attempt.error; }

  // A command for a path, where the path can be shown as it is.
  void add_command(std::string kind, const std::string& command, const std::string& path,
                   std::string text) {
    const auto word = shell_path(path);
    found_.push_back({std::move(kind), std::move(text), word ? command + " " + *word : "", {}, {}});
  }
  void add_path(const std::string& path, std::string text) {
    found_.push_back({"other_path", std::move(text), {}, json_string("unix:" + path), {}});
  }

  void taken() {
    if (explanation_.rule == BindRule::kPathNotSocket) {
      if (error() == EISDIR) return add_path(path() + "/socket", "a name inside that directory");
      return show("other_path", path());
    }
    if (explanation_.rule == BindRule::kPathStale) {
      return add_command("remove_file", "rm", path(),
                         "removes the leftover; polyport run does so by itself");
    }
    for (const Holder& holder : explanation_.holders) {
      auto way = way_to_stop(holder, 0, facts_.uid == 0);
      if (way) found_.push_back(std::move(*way));
    }
    path_beside();
  }

  void show(std::string kind, const std::string& path) {
    add_command(std::move(kind), "ls -ld", path,
                "shows what is there: move it away, or listen on another path");
  }

  // "/run/echo-2.sock" beside "/run/echo.sock".
  void path_beside() {
    const fs::path taken(path());
    constexpr int kMost = 10;
    for (int number = 2; number < kMost; ++number) {
      fs::path other = taken;
      other.replace_filename(taken.stem().string() + "-" + std::to_string(number) +
                             taken.extension().string());
      std::error_code error;
      if (fs::symlink_status(other, error).type() != fs::file_type::not_found) continue;
      if (other.native().size() > kLongestPath) return shorter_path();
      return add_path(other.string(), "another path, where nothing is yet");
    }
  }

  void unavailable() {
    if (explanation_.rule == BindRule::kDescriptorLimit) {
      found_.push_back(descriptor_suggestion(error()));
    } else if (error() == ENOENT) {
      add_command("make_directory", "mkdir -p", folder(), "makes the directory");
    } else if (error() == ENOTDIR) {
      no_directory();
    } else {
      shorter_path();
    }
  }

  // The part of the path that is no directory, and stands where one must.
  void no_directory() {
    fs::path part;
    for (const fs::path& name : fs::path(path()).parent_path()) {
      part /= name;
      std::error_code error;
      if (!fs::is_directory(part, error)) return show("other_path", part.string());
    }
  }

  void shorter_path() {
    constexpr std::size_t kMost = 64;
    const std::string& service = explanation_.attempt.service;
    const bool named = !service.empty() && service.size() <= kMost;
    add_path("/tmp/" + (named ? service : "polyport") + ".sock", "a shorter path");
  }

  std::string folder() const {
    const std::string parent = fs::path(path()).parent_path().string();
    return parent.empty() ? "." : parent;
  }

  const Explanation& explanation_;
  const PortFacts& facts_;
  std::vector<Suggestion> found_;
};

}  // namespace

std::vector<Suggestion> path_suggestions(const Explanation& explanation, const PortFacts& facts) {
  return Collector(explanation, facts).collect();
}

}  // namespace polyport
