#include "core/host/load_status.h"

#include <fcntl.h>
#include <time.h>

#include <string>

#include "core/base/text.h"
#include "core/ports/proc_file.h"
#include "core/socket/socket.h"

namespace polyport {
namespace {

constexpr std::size_t kMostBytes = 64 * 1024;

std::string read(const char* path) {
  return read_proc_file(AT_FDCWD, path, kMostBytes).value_or("");
}

std::uint64_t clock_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

// "12345 678 90": nanoseconds on a processor, nanoseconds waiting for one, times it was given one.
std::uint64_t waited_ns() {
  const std::string text = read("/proc/thread-self/schedstat");
  const auto fields = split(trim(text), ' ');
  return fields.size() < 2 ? 0 : parse_number<std::uint64_t>(fields[1]).value_or(0);
}

constexpr std::size_t kMostLookedAt = 64;

void look_at_connections(Network& network, LoadStatus& load) {
  network.for_each_connection([&load](const Connection& connection) {
    if (!load.looked_at_all || connection.is_outgoing()) return;
    if (connection.listener().door().uses_reserve) return;
    // Between two sockets of this machine there is no network, whatever a slow reader makes of it.
    const Address peer = connection.peer();
    if (!peer.is_ip() || peer.is_loopback()) return;
    load.looked_at_all = load.looked_at.size() < kMostLookedAt;
    sock::TcpInfo info;
    if (!load.looked_at_all || !connection.tcp_info(info)) return;
    load.looked_at.emplace_back(text(connection.id()), info.retransmits);
  });
}

}  // namespace

std::uint64_t kernel_counter(std::string_view text, std::string_view group, std::string_view name) {
  std::vector<std::string_view> names;
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with(group) || line.substr(group.size(), 2) != ": ") continue;
    const auto fields = split(line, ' ');
    if (names.empty()) {
      names = fields;
      continue;
    }
    for (std::size_t i = 1; i < fields.size() && i < names.size(); ++i) {
      if (names[i] == name) return parse_number<std::uint64_t>(fields[i]).value_or(0);
    }
    return 0;
  }
  return 0;
}

LoadStatus loop_load(Network& network) {
  LoadStatus load;
  load.now_ns = clock_ns(CLOCK_MONOTONIC);
  load.busy_ns = network.load().busy_ns();
  load.turns = network.turns();
  load.long_turns = network.load().long_turns();
  load.answers = network.answer_times().times();
  load.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  load.queued_ns = waited_ns();
  load.descriptor_bursts = network.descriptor_bursts();
  load.open_connections = network.open_connections();
  look_at_connections(network, load);
  return load;
}

void fill_machine_load(LoadStatus& load) {
  const std::string netstat = read("/proc/net/netstat");
  const std::string snmp = read("/proc/net/snmp");
  const std::string backlog = read("/proc/sys/net/core/somaxconn");
  load.listen_overflows = kernel_counter(netstat, "TcpExt", "ListenOverflows");
  load.listen_drops = kernel_counter(netstat, "TcpExt", "ListenDrops");
  load.segments_out = kernel_counter(snmp, "Tcp", "OutSegs");
  load.segments_again = kernel_counter(snmp, "Tcp", "RetransSegs");
  load.most_backlog = parse_number<std::uint64_t>(trim(backlog)).value_or(0);
}

}  // namespace polyport
