// What happens to connections, told to the log and to whoever watches: Network's part that tells.
#include "core/net/network.h"

namespace polyport {

namespace {

EventSink::Way way_of(const ConnectionSource& source) {
  return source.kind() == ConnectionSource::Kind::kDialer ? EventSink::Way::kOutgoing
                                                          : EventSink::Way::kAccepted;
}

}  // namespace

void Network::tell_opened(const Connection& connection) {
  if (!events_.watched()) return;
  const ConnectionSource& source = connection.source();
  const EventSink::Opened event{source.service(), source.id(), text(connection.id()),
                                connection.peer(), way_of(source)};
  for (EventSink* sink : events_.sinks())
    sink->on_opened(event);
}

void Network::tell_closed(Connection& connection) {
  ConnectionSource& source = connection.source();
  if (log_.enabled(LogLevel::kDebug)) {
    log_.debug({.event = "connection_closed",
                .service = source.service(),
                .listener = source.id(),
                .conn = text(connection.id()),
                .peer = connection.peer().text(),
                .reason = name(connection.close_reason_)});
  }
  if (!events_.watched()) return;
  const EventSink::Closed event{source.service(),
                                source.id(),
                                text(connection.id()),
                                connection.peer(),
                                connection.close_reason_,
                                static_cast<std::uint64_t>(connection.age().count()),
                                connection.bytes_in_,
                                connection.bytes_out_,
                                way_of(source)};
  for (EventSink* sink : events_.sinks())
    sink->on_closed(event);
}

void Network::tell_dial_failed(const Dialer& dialer, const DialFailure& failure) {
  if (!log_.enabled(LogLevel::kDebug) && !events_.watched()) return;
  const std::string text = failure.text();
  log_.debug({.event = "dial_failed",
              .message = text,
              .service = dialer.service(),
              .listener = dialer.id(),
              .reason = name(failure.error())});
  const EventSink::DialFailed event{dialer.service(), dialer.id(), name(failure.error()), text};
  for (EventSink* sink : events_.sinks())
    sink->on_dial_failed(event);
}

}  // namespace polyport
