// What core/net calls on whoever serves a listener: a service, or the HTTP engine for one.
//
// Callbacks belong to the handler, not to each connection. All run on the loop's thread; an
// exception that leaves one closes that connection with service_error and is logged.
#pragma once

#include "core/base/bytes.h"
#include "core/observe/close_reason.h"

namespace polyport {

class Connection;
class Datagram;

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // A `Connection&` is valid until the callback returns. What must remember a connection keeps its
  // id() and asks Network::find.
  virtual void on_open(Connection&) {}
  // `data` is valid until the callback returns, and is never empty.
  virtual void on_data(Connection&, [[maybe_unused]] Bytes data) {}
  // The peer has sent its FIN: no more on_data. The other direction stays open; unless overridden,
  // what is queued is flushed and the connection ends.
  virtual void on_end(Connection&);
  // After the queue was over its high mark and has fallen to its low mark.
  virtual void on_writable(Connection&) {}
  // Exactly once, last, from the end of a turn. Nothing can be sent any more.
  virtual void on_close(Connection&, CloseReason) {}
  // The connection's deadline (Connection::set_deadline) has passed, or it must go because it holds
  // too much (limit_memory). Unless overridden it is closed with that reason.
  virtual void on_deadline(Connection&, CloseReason);
  // The service is full: may the connection be closed for another client? Only asked where nothing
  // of it lies unread. Unless overridden: nothing is queued, and it was silent for a second.
  virtual bool may_make_room(Connection&);
  // Memory that it holds for the connection at the moment, beside what is queued for it: where
  // memory is short, those who hold most go first.
  virtual std::size_t held_bytes(const Connection&) const { return 0; }
  // What a client is told that is not taken, in its protocol; a literal, empty where the protocol
  // has no word for it. The connection is closed behind it.
  virtual Bytes refusal(CloseReason) const { return {}; }
  // The process is stopping. True: the connection has work to finish, leave it until it ends itself
  // or the grace is over. Unless overridden: whether bytes are queued or arrived within the last
  // second.
  virtual bool on_drain(Connection&);
};

class DatagramHandler {
 public:
  virtual ~DatagramHandler() = default;
  // `datagram` is valid until the callback returns; it may be empty of bytes.
  virtual void on_datagram(Datagram&) {}
};

}  // namespace polyport
