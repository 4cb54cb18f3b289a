// echo (RFC 862): every byte comes back, in order.
//
// Over TCP and unix sockets until the peer closes, and what it sent before its FIN still comes
// back: the bytes go out from where they were read, and a peer that does not read is not read from
// (both are core's work). Over UDP each datagram comes back as it came, the empty one too.
#include "core/service.h"

namespace polyport::services::echo {

namespace {

class Echo final : public Service {
 public:
  void on_data(Connection& connection, Bytes data) override { connection.send(data); }
  void on_datagram(Datagram& datagram) override { datagram.reply(datagram.bytes()); }
};

}  // namespace

extern const ServiceType service_type = {
    .name = "echo",
    .summary = "sends back every byte (RFC 862)",
    .default_port = 10007,
    .doors = kEveryTransport,
    .answers_any_byte = true,
    .create = make_service<Echo>,
};

}  // namespace polyport::services::echo
