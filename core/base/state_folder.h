// A folder of the state directory: small files that must survive a restart, some of them secret.
//
// A file is written whole or not at all: beside its place, synced, renamed. It is read only where
// it can be trusted: a regular file of this user, which nobody else may change and, where it is
// secret, nobody else may read. Whoever writes holds the folder's lock, so that two programs that
// start at one time do not disturb each other; whoever reads needs none.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace polyport {

enum class Secrecy : std::uint8_t { kPublic, kSecret };  // file modes 0644 and 0600

class StateFolder {
 public:
  static constexpr std::size_t kMaxFileBytes = 64 * 1024;

  // The folder as it is. kNotFound where there is none; other errors where it cannot be trusted.
  static Result<StateFolder> open(const std::string& path);
  // The same, made first where it is missing, with every folder above it that is missing: mode
  // 0700.
  static Result<StateFolder> make(const std::string& path);

  // Whether there is anything at that path that this user may look at.
  static bool is_there(const std::string& path);

  StateFolder(StateFolder&& other) noexcept;
  StateFolder& operator=(StateFolder&& other) noexcept;
  ~StateFolder();

  const std::string& path() const { return path_; }
  std::string path_of(std::string_view name) const;

  // Waits for another holder, at most `patience`. Held until this object ends, or the process.
  Result<void> lock(std::chrono::milliseconds patience);

  // What the file holds; nothing where there is none.
  Result<std::optional<std::string>> read(const std::string& name, Secrecy secrecy) const;
  // Puts the file there, in place of one of that name.
  Result<void> write(const std::string& name, std::string_view bytes, Secrecy secrecy) const;
  // Whether it was there is not told, nor that it could not be removed.
  void remove(const std::string& name) const;
  // The names of all files in it, at most `limit` of them.
  std::vector<std::string> names(std::size_t limit) const;

 private:
  StateFolder(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_ = -1;
  int lock_fd_ = -1;
};

}  // namespace polyport
