#include "core/ports/socket_holders.h"

#include <algorithm>

namespace polyport {

SocketHolders HolderFinder::find(std::uint64_t inode) {
  SocketHolders holders;
  const std::vector<int> pids = table_.holders(inode);
  for (const int pid : pids) {
    const int supervisor = supervisor_of(pid);
    if (supervisor == 0) continue;
    if (holders.pid == 0) holders.pid = supervisor;
    if (holders.pid == supervisor) holders.workers.push_back(pid);
  }
  for (const int pid : pids) {
    const auto& workers = holders.workers;
    if (std::find(workers.begin(), workers.end(), pid) != workers.end()) continue;
    if (holders.pid == 0) holders.pid = pid;
    if (pid != holders.pid) holders.others.push_back(pid);
  }
  return holders;
}

const Process* HolderFinder::process(int pid) {
  const auto [entry, is_new] = processes_.try_emplace(pid);
  if (is_new) entry->second = read_process(pid);
  return entry->second ? &*entry->second : nullptr;
}

const PublishedFacts& HolderFinder::published(int pid) {
  const auto [entry, is_new] = published_.try_emplace(pid);
  if (is_new && table_.publishes(pid)) {
    entry->second = read_published_line(read_published_services(pid));
  }
  return entry->second;
}

int HolderFinder::supervisor_of(int pid) {
  const int supervisor = published(pid).supervisor;
  if (supervisor == 0) return 0;
  const Process* const worker = process(pid);
  const bool is_parent = worker != nullptr && worker->parent == supervisor;
  return is_parent && process(supervisor) != nullptr ? supervisor : 0;
}

}  // namespace polyport
