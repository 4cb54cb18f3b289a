// Folder: the files below one directory, and nothing else.
//
// The kernel resolves each path beneath the directory (openat2, RESOLVE_BENEATH), so that neither
// "..", nor a symbolic link, nor anything that changes meanwhile leads out of it. Where the kernel
// lacks that call, links are not followed at all. Reading is from the page cache most often; a file
// that is not there yet holds up the loop for as long as the disk takes.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace polyport::services::http {

// An open file or folder; closes itself.
class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(int fd);
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;
  ~OpenFile();

  int fd() const { return fd_; }
  bool is_regular() const { return regular_; }
  bool is_folder() const { return folder_; }
  std::uint64_t size() const { return size_; }
  std::time_t modified() const { return modified_; }
  std::string etag() const;  // strong: size and time of the last change, to the nanosecond

 private:
  int fd_ = -1;
  bool regular_ = false;
  bool folder_ = false;
  std::uint64_t size_ = 0;
  std::time_t modified_ = 0;
  long modified_ns_ = 0;
};

class Folder {
 public:
  static Result<std::unique_ptr<Folder>> open(const std::string& path);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // Who keeps a path beneath the folder: the kernel, or, without it, we, name by name.
  enum class Resolve : std::uint8_t { kByKernel, kByNames };
  // Opens what stands at `path`, decoded, without a slash at its start; "" is the folder itself.
  // Files and folders only. `error` is an errno: ENOENT also for what is outside, hidden (a name
  // that begins with a dot) or of another kind.
  OpenFile open_below(const std::string& path, int& error,
                      Resolve resolve = Resolve::kByKernel) const;

  struct Entry {
    std::string name;
    bool folder = false;
  };
  static constexpr std::size_t kMostEntries = 1000;
  // The names in an open folder, sorted, without hidden ones.
  static std::vector<Entry> list(const OpenFile& folder);

 private:
  explicit Folder(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace polyport::services::http
