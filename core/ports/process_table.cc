// One walk over /proc/[pid]/fd for all sockets that are asked about. A machine may have thousands
// of processes and a hundred thousand descriptors: everything is opened relative to one directory,
// and a descriptor costs one readlinkat and no allocation.
#include <sys/stat.h>

#include <algorithm>
#include <string>

#include "core/base/text.h"
#include "core/ports/fd_links.h"
#include "core/ports/namespaces.h"
#include "core/ports/process_facts.h"
#include "core/ports/processes.h"

namespace polyport {
namespace {

constexpr int kInit = 1;

template <class Value>
void sort_unique(std::vector<Value>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

ProcessTable ProcessTable::find(std::span<const std::uint64_t> inodes) {
  ProcessTable table;
  table.outermost_ = in_first_pid_namespace();
  std::vector<std::uint64_t> wanted(inodes.begin(), inodes.end());
  sort_unique(wanted);
  const Directory proc = open_directory(AT_FDCWD, "/proc");
  if (!proc) return table;
  table.saw_all_ = true;
  bool saw_init = false;
  std::string path;
  while (const dirent* const entry = ::readdir(proc.get())) {
    const auto pid = parse_number<int>(entry->d_name, kInit);
    if (!pid) continue;
    saw_init = saw_init || *pid == kInit;
    path.assign(entry->d_name).append("/fd");
    if (table.look_through(*pid, ::dirfd(proc.get()), path.c_str(), wanted)) continue;
    table.saw_all_ = false;
    struct stat facts {};
    path.assign(entry->d_name);
    if (::fstatat(::dirfd(proc.get()), path.c_str(), &facts, 0) == 0) {
      table.refused_uids_.push_back(facts.st_uid);
    }
  }
  // Every PID namespace has a first process. One that is not shown (hidepid) has company.
  table.saw_all_ = table.saw_all_ && saw_init;
  sort_unique(table.held_);
  sort_unique(table.publishers_);
  sort_unique(table.refused_uids_);
  return table;
}

// False where the process may not be looked into.
bool ProcessTable::look_through(int pid, int proc, const char* path,
                                std::span<const std::uint64_t> wanted) {
  const Directory descriptors = open_directory(proc, path);
  if (!descriptors) return is_gone(errno);
  return for_each_link(descriptors.get(), [&](const char*, std::string_view link) {
    if (const auto inode = parse_socket_link(link)) {
      if (std::binary_search(wanted.begin(), wanted.end(), *inode)) held_.push_back({*inode, pid});
    } else if (is_published_link(link)) {
      publishers_.push_back(pid);
    }
    return true;
  });
}

std::vector<int> ProcessTable::holders(std::uint64_t inode) const {
  std::vector<int> pids;
  for (auto held = std::lower_bound(held_.begin(), held_.end(), Held{inode, 0});
       held != held_.end() && held->inode == inode; ++held) {
    pids.push_back(held->pid);
  }
  return pids;
}

bool ProcessTable::publishes(int pid) const {
  return std::binary_search(publishers_.begin(), publishers_.end(), pid);
}

Hidden ProcessTable::why_hidden(std::uint64_t inode, std::uint32_t uid) const {
  if (inode == 0) return Hidden::kNotListed;
  const auto held = std::lower_bound(held_.begin(), held_.end(), Held{inode, 0});
  if (held != held_.end() && held->inode == inode) return Hidden::kNo;
  if (outermost_) return saw_all_ ? Hidden::kKernel : Hidden::kOtherUser;
  // In a container: one of those that we may not look into, or none that is here.
  const bool refused = std::binary_search(refused_uids_.begin(), refused_uids_.end(), uid);
  return refused ? Hidden::kOtherUser : Hidden::kPidNamespace;
}

}  // namespace polyport
