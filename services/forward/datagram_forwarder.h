// DatagramForwarder: clients of UDP, each with a socket towards an upstream behind it.
//
// UDP has no connections, so a client is an address that sends, and a session lasts for as long as
// something passes: the client's datagrams leave from a socket of their own, and what the upstream
// answers there goes back to that client, from the address it had written to. There are as many
// sessions as the configuration allows; one more takes the place of the one that has been silent
// longest, if that is a second or more.
//
// Reflection. Whoever forges a victim's address on a datagram makes us send the upstream's answer
// to the victim, so a forwarder is as much of an amplifier as what stands behind it. What protects
// others, in the order in which it is asked:
//   - UdpGuard::check_peer has refused ports where responders live, so that no echo server far away
//     and the one behind us can be made to talk to each other for ever, and our own sockets.
//   - A session has the bytes its client has sent as credit, and answers use it up. One that is
//     larger than what is left, be it large itself or one of many, is paid from the same allowance
//     as every other service's answers (`udp_amplification`): 10 a second for an address, 1,000 in
//     all. So a victim gets no more bytes from us than the forger has sent, and those few.
//   - Loopback is free of this, as everywhere.
// A protocol in which the server says far more than its clients (a download, a VPN) is cut off by
// this for remote clients; `udp_amplification = "allow"` is for those whose upstream makes sure by
// itself whom it answers. Answers that may not go are counted as `amplification`.
//
// Loops. Our own sessions are known by their hops (core/net/hop_table.h), as TCP clients are. A
// loop by way of another process is not seen; as each round makes a session at once, it ends when
// the table is full and nobody in it has been silent for a second.
#pragma once

#include <list>
#include <optional>
#include <unordered_map>

#include "core/service.h"
#include "services/forward/names.h"
#include "services/forward/seldom.h"
#include "services/forward/upstreams.h"

namespace polyport::services::forward {

class DatagramForwarder final : public UdpClientHandler {
 public:
  struct Limits {
    std::chrono::milliseconds session_timeout{60'000};
    std::size_t sessions = 1'024;
    std::chrono::milliseconds resolve_every{30'000};
  };
  static constexpr std::uint64_t kYieldsAfterMs = 1'000;  // of silence, a session to a new one

  // `upstreams` outlive it.
  DatagramForwarder(Upstreams& upstreams, Limits limits)
      : upstreams_(upstreams), limits_(limits), names_(upstreams) {}

  Result<void> start(ServiceContext& context);
  void stop();
  void report(ServiceStatus& status) const;

  void forward(const Datagram& datagram);

  void on_answer(UdpClient& client, Bytes bytes) override;
  void on_error(UdpClient& client, int error) override;

 private:
  struct Session {
    ReturnPath back;
    UdpClient* socket = nullptr;
    std::uint16_t at = 0;    // of the upstreams
    std::uint8_t hops = 0;   // connections of this process behind its client
    std::size_t credit = 0;  // bytes the client has sent and no answer was counted against
    std::uint64_t used_ms = 0;
  };
  using Sessions = std::list<Session>;  // the longest silent first
  struct Hash {
    std::size_t operator()(const ReturnPath& path) const;
  };
  struct Counters {
    std::uint64_t opened = 0, active = 0;
    std::uint64_t datagrams_in = 0, datagrams_out = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0;
    std::array<std::uint64_t, kDialErrors> failed{};
    std::array<std::uint64_t, kCloseReasons> closed{};
    std::size_t turn = 0;  // which of its addresses is next
  };

  // Null where there is no room, no upstream or no socket: the datagram is lost, and counted.
  Session* find_or_open(const Datagram& datagram, std::uint8_t hops);
  Session* open(const ReturnPath& back, std::uint8_t hops);
  bool make_room();
  void use(Session& session);
  void send(Session& session, Bytes bytes);
  void close(Session& session, CloseReason reason);
  void note_failure(std::uint16_t at, const Address& peer, int error);
  void expire();
  void arm();
  std::uint64_t now() const { return context_->loop.now_ms(); }
  void tell(LogLevel level, std::string_view event, const std::string& message);

  Upstreams& upstreams_;
  const Limits limits_;
  Names names_;
  ServiceContext* context_ = nullptr;
  Sessions sessions_;
  std::unordered_map<ReturnPath, Sessions::iterator, Hash> by_client_;
  std::vector<Counters> counters_;  // of each upstream
  std::optional<Timer> timer_;
  Seldom no_upstream_, looped_, full_;
};

}  // namespace polyport::services::forward
