#include "core/ports/stop_holder.h"

#include <string>
#include <utility>

#include "core/ports/unstoppable.h"

namespace polyport {
namespace {

Suggestion typed(std::string kind, std::string command, std::string text) {
  return {std::move(kind), std::move(text), std::move(command), {}, {}};
}

// What shows whose port it is that the process only holds.
std::optional<Suggestion> show_owner(HoldsFor holds_for, int port) {
  const auto list = [port](const std::string& engine) {
    return typed("stop_container", engine + " ps --filter publish=" + std::to_string(port),
                 "shows the container that publishes the port; stop it with `" + engine + " stop`");
  };
  constexpr int kSsh = 22;  // whoever stops that may be locked out
  if (holds_for == HoldsFor::kUnits && port != kSsh) {
    return typed("stop_unit", "systemctl list-sockets",
                 "the first process listens for somebody: shows the .socket unit of this " +
                     std::string(port == 0 ? "path" : "port"));
  }
  if (holds_for == HoldsFor::kDocker && port != 0) return list("docker");
  if (holds_for == HoldsFor::kPodman && port != 0) return list("podman");
  return std::nullopt;
}

Suggestion stop_container(const Process& process) {
  const std::size_t space = process.container.find(' ');
  const std::string engine = process.container.substr(0, space);
  const bool has_command = engine == "docker" || engine == "podman";
  if (!has_command || space == std::string::npos) {
    return typed("stop_container", "cat /proc/" + std::to_string(process.pid) + "/cgroup",
                 "shows the container it runs in (" + process.container + "): stop that");
  }
  return typed("stop_container", engine + " stop " + process.container.substr(space + 1),
               "stops the container it runs in");
}

std::optional<Suggestion> end_processes(const Holder& holder, const std::string& sudo) {
  constexpr std::size_t kMost = 8;
  if (holder.more_pids.size() >= kMost) return std::nullopt;
  std::string command = (holder.yours ? "" : sudo) + "kill " + std::to_string(holder.process->pid);
  for (const int pid : holder.more_pids)
    command += " " + std::to_string(pid);
  return typed("stop_holder", command,
               "stops " + holder.process->name +
                   (holder.yours ? ", which is yours" : " of user " + holder.process->user));
}

}  // namespace

std::optional<Suggestion> way_to_stop(const Holder& holder, int port, bool root) {
  const bool serves =
      holder.kind != Holder::Kind::kConnection && holder.kind != Holder::Kind::kTimeWait;
  // A service of the same configuration is no stranger: another port is the way.
  if (holder.ours || !serves || !holder.process) return std::nullopt;
  const Process& process = *holder.process;
  const std::string sudo = root ? "" : "sudo ";
  const std::string as_started = "stops " + process.name + " the way it was started";
  if (const auto holds_for = unstoppable(process)) return show_owner(*holds_for, port);
  if (!process.container.empty()) return stop_container(process);
  if (process.user_unit && holder.yours) {
    return typed("stop_unit", "systemctl --user stop " + process.unit, as_started);
  }
  if (process.unit.ends_with(".service") && !process.user_unit) {
    return typed("stop_unit", sudo + "systemctl stop " + process.unit, as_started);
  }
  return end_processes(holder, sudo);
}

}  // namespace polyport
