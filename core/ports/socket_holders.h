// Which program has a socket, of the processes that have it open: a polyport with worker processes
// is one program, and its supervisor is who is to be named, asked and stopped.
//
// Blocks: reads /proc. Each process is read once.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/ports/processes.h"
#include "core/ports/published_services.h"

namespace polyport {

struct SocketHolders {
  int pid = 0;  // the program; 0 where there is none
  // Processes of that program that have the socket open beside it, or in its place.
  std::vector<int> workers;
  std::vector<int> others;
};

class HolderFinder {
 public:
  explicit HolderFinder(const ProcessTable& table) : table_(table) {}

  SocketHolders find(std::uint64_t inode);
  // Null where it has ended.
  const Process* process(int pid);
  // What a polyport says of itself; nothing of any other process.
  const PublishedFacts& published(int pid);

 private:
  // 0 where it is no worker of anybody.
  int supervisor_of(int pid);

  const ProcessTable& table_;
  std::map<int, std::optional<Process>> processes_;
  std::map<int, PublishedFacts> published_;
};

}  // namespace polyport
