// Clients that speak another protocol than the service: Network's part that notes them.
//
// Nothing is changed and nobody is answered here: the bytes go on to the service as they came. Only
// the first piece that a connection sends is looked at, so the cost is one comparison a read.
#include "core/net/network.h"

namespace polyport {

void Network::note_first_bytes(Connection& connection, Bytes first) {
  const Protocol protocol = recognise(first);
  if (protocol != Protocol::kUnknown) note_wrong_protocol(connection, protocol);
}

void Network::note_wrong_protocol(const Connection& connection, Protocol protocol) {
  ConnectionSource& source = connection.source();
  if (source.protocol_hints_.note(protocol, now_ms_)) {
    log_.warn({.event = "wrong_protocol",
               .message = "a client speaks " + std::string(spoken(protocol)) +
                          " to a service that does not: is it the right port?",
               .service = source.service(),
               .listener = source.id(),
               .conn = text(connection.id()),
               .peer = connection.peer().text(),
               .reason = name(protocol)});
  }
  if (!events_.watched()) return;
  const EventSink::WrongProtocol event{source.service(), source.id(), text(connection.id()),
                                       connection.peer(), protocol};
  for (EventSink* sink : events_.sinks())
    sink->on_wrong_protocol(event);
}

}  // namespace polyport
