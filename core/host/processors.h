// How many processors this process may really use: what [server] workers = "auto" comes to.
//
// Two things bound it. The affinity mask (taskset, cpusets) says which processors it may run on; a
// quota of its control group, or of one above it, how much time it gets on them all. A container
// with "2 CPUs" on a machine of 64 has the second alone. Both generations of control groups are
// read, because one machine may have one for this and the other for that.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace polyport {

// The text of a file; nothing where it cannot be read.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;

// The least of all quotas that hold for this process, in processors (1.5); nothing where none does.
std::optional<double> processor_quota(const ReadFile& read);
// Of the affinity mask; 1 where the system does not tell.
int processors_in_mask();

// A quota is rounded up: a part of a processor that was paid for is to be used. At least 1.
int usable_processors(int in_mask, std::optional<double> quota);

// The same for this process, and why: "4 processors, of which the control group allows 1.5".
struct Processors {
  int usable = 1;
  std::string why;
};
Processors usable_processors();

}  // namespace polyport
