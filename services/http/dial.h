// /dial: this server asks another one, and tells what came back (agnhost's endpoint of that name).
// Only with unsafe = true: whoever may use it reaches whatever this machine reaches.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/net/dialer.h"
#include "core/net/udp_client.h"
#include "core/service.h"

namespace polyport::services::http {

class Dial;

// The outgoing side of a service: hands what happens to connections and sockets to their Dial.
class Outbound final : public DialHandler, public UdpClientHandler {
 public:
  explicit Outbound(ServiceContext& context);

  Network& network() { return network_; }
  Dialer& dialer() { return dialer_; }

  void on_open(Connection& connection) override;
  void on_data(Connection& connection, Bytes data) override;
  void on_end(Connection& connection) override;
  void on_close(Connection& connection, CloseReason reason) override;
  void on_dial_failed(const DialFailure& failure) override;
  void on_answer(UdpClient& client, Bytes bytes) override;
  void on_error(UdpClient& client, int error) override;

 private:
  Network& network_;
  DialDoor door_;
  Dialer& dialer_;
};

}  // namespace polyport::services::http
