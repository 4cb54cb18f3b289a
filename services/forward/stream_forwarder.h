// StreamForwarder: clients of TCP and unix sockets, each with a connection to an upstream behind
// it.
//
// What one side sends is queued for the other; a side is not read from while the other's queue is
// over its high mark. Each direction ends by itself: a FIN is passed on as a FIN, a RST as a RST,
// and nothing that arrived before a FIN is lost. A client for whom no upstream answers is reset:
// its protocol is not known here, so there are no words it would understand.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/service.h"
#include "services/forward/names.h"
#include "services/forward/seldom.h"
#include "services/forward/upstreams.h"

namespace polyport::services::forward {

class StreamForwarder final : public DialHandler {
 public:
  struct Times {
    std::chrono::milliseconds connect{5'000};
    std::chrono::milliseconds resolve_every{30'000};
  };

  // `upstreams` outlive it.
  StreamForwarder(Upstreams& upstreams, Times times)
      : upstreams_(upstreams), times_(times), names_(upstreams) {}

  Result<void> start(ServiceContext& context);
  void stop() { names_.stop(); }
  void report(ServiceStatus& status, const std::vector<Network::Totals>& totals) const;

  // Of both sides; on_open tells them apart.
  void on_open(Connection& connection) override;
  void on_data(Connection& connection, Bytes data) override;
  void on_end(Connection& connection) override;
  void on_writable(Connection& connection) override;
  void on_close(Connection& connection, CloseReason reason) override;
  void on_deadline(Connection& connection, CloseReason reason) override;
  bool on_drain(Connection& connection) override;
  void on_dial_failed(const DialFailure& failure) override;

 private:
  // A client and its connection to an upstream: the session of both.
  struct Pair {
    ConnectionId client;
    ConnectionId upstream;
    Dialer::Id dial = 0;    // under way
    std::uint16_t at = 0;   // the upstream that is tried, or was reached
    std::uint8_t hops = 0;  // connections of this process, up to the next one
    bool waits_for_name = false;
    std::vector<std::uint16_t> untried;  // the next one last
    std::string failures;                // of those that were tried
    DialError last_error = DialError::kOther;
  };

  static Pair& pair_of(const Connection& connection) {
    return *static_cast<Pair*>(connection.session());
  }
  Connection* other_side(const Connection& connection) const;

  void client_opened(Connection& client);
  void upstream_opened(Connection& upstream);
  void try_next(Connection& client, Pair& pair);
  void wait_for_name(Connection& client, Pair& pair);
  void name_answered(std::size_t index);
  void give_up(Connection& client, Pair& pair);
  void end_other(const Connection& gone, CloseReason reason, Connection& other);
  void note_failure(std::size_t index, const DialFailure& failure);
  void tell(LogLevel level, std::string_view event, const std::string& message,
            const Connection* client = nullptr);

  Upstreams& upstreams_;
  const Times times_;
  Names names_;
  ServiceContext* context_ = nullptr;
  std::unique_ptr<DialDoor> door_;
  std::vector<Dialer*> dialers_;                    // of each upstream
  std::vector<std::vector<ConnectionId>> waiting_;  // clients, for the name of each upstream
  Seldom no_upstream_;
};

}  // namespace polyport::services::forward
