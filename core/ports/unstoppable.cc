#include "core/ports/unstoppable.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace polyport {
namespace {

struct Row {
  std::string_view name;  // in the kernel, which cuts after 15 bytes
  HoldsFor holds_for;
};

constexpr std::array kRows = std::to_array<Row>({
    {"docker-proxy", HoldsFor::kDocker},
    {"dockerd", HoldsFor::kDocker},
    {"containerd", HoldsFor::kItself},
    {"containerd-shim", HoldsFor::kItself},
    {"rootlesskit", HoldsFor::kDocker},
    {"rootlessport", HoldsFor::kPodman},
    {"conmon", HoldsFor::kPodman},
    {"slirp4netns", HoldsFor::kPodman},
    {"pasta", HoldsFor::kPodman},
    {"pasta.avx2", HoldsFor::kPodman},
    {"kube-proxy", HoldsFor::kItself},
    {"kubelet", HoldsFor::kItself},
    {"sshd", HoldsFor::kItself},
    {"sshd-session", HoldsFor::kItself},
    {"dropbear", HoldsFor::kItself},
    {"init", HoldsFor::kItself},
    {"inetd", HoldsFor::kItself},
    {"xinetd", HoldsFor::kItself},
    {"systemd", HoldsFor::kItself},  // a user's own, which has everything of that user
    {"systemd-resolve", HoldsFor::kItself},
    {"systemd-network", HoldsFor::kItself},
});

}  // namespace

std::optional<HoldsFor> unstoppable(const Process& process) {
  if (process.pid == 1) return HoldsFor::kUnits;
  const auto found = std::find_if(kRows.begin(), kRows.end(),
                                  [&](const Row& row) { return row.name == process.name; });
  return found == kRows.end() ? std::nullopt : std::optional(found->holds_for);
}

}  // namespace polyport
