#include "core/service.h"

#include <array>

#include "core/base/assert.h"

namespace polyport {

std::string_view name(ServiceState state) {
  static constexpr std::array<std::string_view, 9> kNames = {"disabled", "starting", "live",
                                                             "skipped",  "retrying", "paused",
                                                             "draining", "stopped",  "failed"};
  const auto index = static_cast<std::size_t>(state);
  POLYPORT_ASSERT(index < kNames.size());
  return kNames[index];
}

std::string_view name(ListenerState state) {
  static constexpr std::array<std::string_view, 6> kNames = {"listening", "bound",  "retrying",
                                                             "skipped",   "closed", "stopped"};
  const auto index = static_cast<std::size_t>(state);
  POLYPORT_ASSERT(index < kNames.size());
  return kNames[index];
}

std::string_view name(ListenerOrigin origin) {
  static constexpr std::array<std::string_view, 4> kNames = {"configured", "moved", "shared",
                                                             "inherited"};
  const auto index = static_cast<std::size_t>(origin);
  POLYPORT_ASSERT(index < kNames.size());
  return kNames[index];
}

std::string_view name(WorkerStatus::State state) {
  static constexpr std::array<std::string_view, 5> kNames = {"starting", "live", "waiting",
                                                             "draining", "stopped"};
  const auto index = static_cast<std::size_t>(state);
  POLYPORT_ASSERT(index < kNames.size());
  return kNames[index];
}

std::string_view name(UpstreamStatus::State state) {
  static constexpr std::array<std::string_view, 4> kNames = {"untried", "resolving", "up",
                                                             "failed"};
  const auto index = static_cast<std::size_t>(state);
  POLYPORT_ASSERT(index < kNames.size());
  return kNames[index];
}

std::span<const OptionSpec> common_options() {
  constexpr std::int64_t kDayMs = 86'400'000;
  constexpr std::int64_t kGiB = std::int64_t{1} << 30;
  static constexpr OptionSpec kRows[] = {
      {"type", OptionType::kString, "",
       "what the service is; may be left out where the name says it"},
      {"enabled", OptionType::kBool, "true", "false leaves the service out"},
      {"listen", OptionType::kEndpoints, "", "where it listens: one endpoint or a list of them"},
      {"state", OptionType::kEnum, "open",
       "closed: no socket is opened, so the kernel refuses every client", "open|closed"},
      {"accept", OptionType::kEnum, "always",
       "never: TCP and unix clients connect and wait in the backlog for ever", "always|never"},
      {"on_conflict", OptionType::kEnum, "fail",
       "when a port is taken (skip, retry: or its address is not here; skip: or it is not "
       "permitted)",
       "fail|skip|next|retry|share"},
      {"next_attempts",
       OptionType::kInt,
       "100",
       "for on_conflict = next: how many ports above the taken one are tried",
       {},
       1,
       65'535},
      {"backlog",
       OptionType::kInt,
       "4096",
       "connections the kernel holds until they are accepted",
       {},
       1,
       65'535},
      {"max_connections",
       OptionType::kInt,
       "0",
       "open at the same time; 0: no limit",
       {},
       0,
       1'000'000'000,
       Applies::kNewConnections},
      {"max_connections_per_address",
       OptionType::kInt,
       "0",
       "open at the same time from one address (IPv6: from one /64); 0: no limit",
       {},
       0,
       1'000'000'000,
       Applies::kNewConnections},
      {"max_new_connections_per_second",
       OptionType::kInt,
       "0",
       "taken in a second, with one second's worth saved up; 0: no limit",
       {},
       0,
       1'000'000,
       Applies::kNewConnections},
      {"when_full", OptionType::kEnum, "wait",
       "at a limit: new clients wait in the backlog; the longest idle connection is closed for "
       "them; or they are told, and closed",
       "close_idle|wait|refuse"},
      {"max_queued",
       OptionType::kSize,
       "0B",
       "bytes queued for all of its connections; the slowest readers are closed beyond; 0B: no "
       "limit",
       {},
       0,
       1024 * kGiB,
       Applies::kNewConnections},
      {"memory_limit",
       OptionType::kSize,
       "0B",
       "what its connections hold, answers that are queued and requests half received: near it new "
       "clients meet when_full, then those who hold most are closed; 0B: no limit",
       {},
       0,
       1024 * kGiB,
       Applies::kNewConnections},
      {"allow", OptionType::kNetworks, "",
       "networks whose clients are served, like \"10.0.0.0/8\"; empty: all. Not about unix "
       "sockets"},
      {"deny", OptionType::kNetworks, "",
       "networks whose clients are not served, also where allow has them"},
      {"idle_timeout",
       OptionType::kDuration,
       "0s",
       "close what has been silent so long; 0s: never",
       {},
       0,
       kDayMs,
       Applies::kNewConnections},
      {"write_timeout",
       OptionType::kDuration,
       "60s",
       "reset a reader that takes nothing for so long; 0s: never",
       {},
       0,
       kDayMs,
       Applies::kNewConnections},
      {"slow_reader", OptionType::kEnum, "pause",
       "at write_high: stop reading from that client, or go on up to write_limit",
       "pause|disconnect"},
      {"write_high",
       OptionType::kSize,
       "256KiB",
       "queued bytes of one connection that are many",
       {},
       1'024,
       kGiB},
      {"write_low", OptionType::kSize, "64KiB", "queued bytes at which it goes on", {}, 0, kGiB},
      {"write_limit",
       OptionType::kSize,
       "1MiB",
       "queued bytes that end the connection",
       {},
       4'096,
       kGiB},
      {"accept_budget", OptionType::kInt, "64", "connections taken at one wake-up", {}, 1, 10'000},
      {"read_budget",
       OptionType::kSize,
       "64KiB",
       "bytes read from one connection at one wake-up",
       {},
       1,
       65'536},
      {"defer_accept",
       OptionType::kDuration,
       "1s",
       "where the client speaks first: accept with its first bytes, or after so long; 0s: at once",
       {},
       0,
       60'000},
      {"udp_amplification", OptionType::kEnum, "limit",
       "UDP answers larger than the question: 10 a second a source, none, or all",
       "limit|refuse|allow"},
      {"unix_mode", OptionType::kString, "0660", "permissions of a unix socket, octal"},
      {"websocket.origins", OptionType::kStrings, "",
       "pages that may connect to ws:// beside those of this machine: \"https://example.com\""},
      {"websocket.messages", OptionType::kEnum, "auto",
       "what ws:// clients are sent; auto: text to whom sends text, if it is UTF-8",
       "auto|text|binary"},
      {"handshake_timeout",
       OptionType::kDuration,
       "10s",
       "of tls:// endpoints: close what has not finished its handshake by then",
       {},
       100,
       kDayMs,
       Applies::kNewConnections},
      {"tls.cert", OptionType::kPath, "",
       "of tls:// endpoints: the PEM file of the certificate and its chain"},
      {"tls.key", OptionType::kPath, "",
       "the PEM file of its key; may be left out where the certificate's file has it too"},
      {"tls.certificates", OptionType::kCertificates, "",
       "several of them, chosen by the name the client asks for: [{ cert, key }]; the first is for "
       "all others"},
      {"tls.min_version", OptionType::kEnum, "1.2",
       "the oldest TLS that is spoken; 1.0 and 1.1 are for tests of old clients, and not safe",
       "1.0|1.1|1.2|1.3"},
      {"tls.client_ca", OptionType::kPath, "",
       "the PEM file of those who sign the certificates of clients"},
      {"tls.client_auth", OptionType::kEnum, "required",
       "with client_ca: whether a client must show a certificate; any, also without it: one is "
       "asked for and shown, whoever signed it",
       "required|optional|any"},
      {"tls.alpn", OptionType::kStrings, "",
       "protocols to agree on (ALPN); empty: http/1.1 where HTTP is spoken, else none"},
  };
  return kRows;
}

}  // namespace polyport
