// What workers = "auto" is counted from: control groups of both generations, as proc(5) shows them.
#include "core/host/processors.h"

#include <map>

#include "tests/support/catch.h"

using polyport::processor_quota;
using polyport::usable_processors;

namespace {

using Files = std::map<std::string, std::string>;

std::optional<double> quota_of(const Files& files) {
  return processor_quota([&files](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return std::nullopt;
    return found->second;
  });
}

constexpr const char* kSecondMount =
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw\n";
constexpr const char* kFirstMounts =
    "33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:12 - cgroup cgroup rw,cpu,cpuacct\n"
    "34 30 0:30 / /sys/fs/cgroup/memory rw,relatime shared:13 - cgroup cgroup rw,memory\n";

}  // namespace

TEST_CASE("a quota of the second generation") {
  CHECK(quota_of({{"/proc/self/cgroup", "0::/app\n"},
                  {"/proc/self/mountinfo", kSecondMount},
                  {"/sys/fs/cgroup/app/cpu.max", "150000 100000\n"}}) == 1.5);
}

TEST_CASE("the least of all groups above each other holds") {
  CHECK(quota_of({{"/proc/self/cgroup", "0::/slice/unit\n"},
                  {"/proc/self/mountinfo", kSecondMount},
                  {"/sys/fs/cgroup/slice/cpu.max", "200000 100000\n"},
                  {"/sys/fs/cgroup/slice/unit/cpu.max", "800000 100000\n"}}) == 2.0);
}

TEST_CASE("no quota is no bound") {
  CHECK(quota_of({{"/proc/self/cgroup", "0::/app\n"},
                  {"/proc/self/mountinfo", kSecondMount},
                  {"/sys/fs/cgroup/app/cpu.max", "max 100000\n"}}) == std::nullopt);
  CHECK(quota_of({}) == std::nullopt);
  CHECK(quota_of({{"/proc/self/cgroup", "0::/app\n"}, {"/proc/self/mountinfo", ""}}) ==
        std::nullopt);
}

TEST_CASE("a quota of the first generation") {
  const Files files = {{"/proc/self/cgroup", "11:memory:/docker/1f\n4:cpu,cpuacct:/docker/1f\n"},
                       {"/proc/self/mountinfo", kFirstMounts},
                       {"/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_quota_us", "50000\n"},
                       {"/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_period_us", "100000\n"},
                       {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"},
                       {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}};
  CHECK(quota_of(files) == 0.5);
}

TEST_CASE("a container sees its own group as the mount") {
  // The path is the host's, and what is mounted here begins at it.
  CHECK(
      quota_of({{"/proc/self/cgroup", "4:cpu:/docker/1f/x\n"},
                {"/proc/self/mountinfo",
                 "40 30 0:29 /docker/1f /sys/fs/cgroup/cpu ro master:12 - cgroup cgroup rw,cpu\n"},
                {"/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n"},
                {"/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n"},
                {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n"},
                {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}}) == 3.0);
  // A path that lies outside of what is mounted: the mount itself is the nearest.
  CHECK(quota_of({{"/proc/self/cgroup", "0::/../other\n"},
                  {"/proc/self/mountinfo",
                   "40 30 0:29 /docker/1f /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"},
                  {"/sys/fs/cgroup/cpu.max", "100000 100000\n"}}) == 1.0);
}

TEST_CASE("a mount point with a blank, and lines that say nothing") {
  CHECK(quota_of({{"/proc/self/cgroup", "nonsense\n\n0::relative\n0::/\n"},
                  {"/proc/self/mountinfo",
                   "short\n29 23 0:26 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n"},
                  {"/mnt/my groups/cpu.max", "250000 100000\n"}}) == 2.5);
  CHECK(quota_of({{"/proc/self/cgroup", "0::/\n"},
                  {"/proc/self/mountinfo", kSecondMount},
                  {"/sys/fs/cgroup/cpu.max", "-5 0\n"}}) == std::nullopt);
}

TEST_CASE("processors that may be used") {
  CHECK(usable_processors(8, std::nullopt) == 8);
  CHECK(usable_processors(8, 2.0) == 2);
  CHECK(usable_processors(8, 1.5) == 2);  // what was paid for is used
  CHECK(usable_processors(8, 0.2) == 1);
  CHECK(usable_processors(2, 16.0) == 2);
  CHECK(usable_processors(0, std::nullopt) == 1);
  CHECK(usable_processors().usable >= 1);
  CHECK(usable_processors().usable <= polyport::processors_in_mask());
}
