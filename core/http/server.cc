#include "core/http/server.h"

#include "core/base/assert.h"
#include "core/http/session.h"

namespace polyport::http {

Server::Server(Handler& handler, ServerOptions options)
    : handler_(handler), options_(std::move(options)) {
  idle_.reserve(kMostIdle);
}

Server::~Server() {
  POLYPORT_ASSERT(busy() == 0);
}

Session& Server::session_of(Connection& connection) {
  if (connection.session() != nullptr) return *static_cast<Session*>(connection.session());
  std::unique_ptr<Session> session;
  if (idle_.empty()) {
    session = std::make_unique<Session>(*this);
  } else {
    session = std::move(idle_.back());
    idle_.pop_back();
  }
  ++busy_;
  session->attach(connection);
  connection.set_session(session.get());
  return *session.release();
}

void Server::settle(Connection& connection, Session& session) {
  if (session.next() != nullptr) {
    hand_over(connection, session);
  } else if (session.idle()) {
    take_back(connection, session);
  }
}

void Server::hand_over(Connection& connection, Session& session) {
  StreamHandler& next = *session.next();
  void* const next_session = session.next_session();
  const std::string rest = session.take_rest();
  connection.resume_reading();
  connection.clear_deadline();
  take_back(connection, session);
  connection.set_session(next_session);
  connection.hand_over(next);
  if (connection.ending()) return;
  next.on_open(connection);
  if (!rest.empty() && !connection.ending()) next.on_data(connection, rest);
}

void Server::take_back(Connection& connection, Session& session) {
  connection.set_session(nullptr);
  std::unique_ptr<Session> owned(&session);
  --busy_;
  owned->detach();
  if (idle_.size() >= kMostIdle) return;
  idle_.push_back(std::move(owned));
}

void Server::on_open(Connection& connection) {
  if (options_.header_timeout.count() > 0) {
    connection.set_deadline(options_.header_timeout, CloseReason::kHeaderTimeout);
  }
}

void Server::on_data(Connection& connection, Bytes data) {
  Session& session = session_of(connection);
  session.receive(data);
  settle(connection, session);
}

void Server::on_end(Connection& connection) {
  Session& session = session_of(connection);
  session.receive({});
  settle(connection, session);
}

void Server::on_writable(Connection& connection) {
  if (connection.session() == nullptr) return;
  Session& session = session_of(connection);
  session.resume();
  settle(connection, session);
}

void Server::on_close(Connection& connection, CloseReason reason) {
  if (connection.session() == nullptr) return;
  Session& session = session_of(connection);
  StreamHandler* const next = session.next();
  void* const next_session = session.next_session();
  session.abort();
  take_back(connection, session);
  if (next == nullptr) return;
  // It was upgraded by a handler that threw, or had no time to be handed over.
  connection.set_session(next_session);
  next->on_close(connection, reason);
}

void Server::on_deadline(Connection& connection, CloseReason reason) {
  if (connection.ending()) return;
  const bool shed = reason == CloseReason::kLimitMemory && connection.session() != nullptr;
  if (shed || reason == CloseReason::kHeaderTimeout || reason == CloseReason::kBodyTimeout) {
    Session& session = session_of(connection);
    session.time_out(reason);
    settle(connection, session);
    return;
  }
  connection.finish(Connection::Linger::kWait, reason);
}

bool Server::may_make_room(Connection& connection) {
  return connection.session() == nullptr && connection.queued_bytes() == 0;
}

std::size_t Server::held_bytes(const Connection& connection) const {
  const auto* session = static_cast<const Session*>(connection.session());
  return session == nullptr ? 0 : session->held_bytes();
}

// A connection that was heard of within the last second most likely has its next request on the
// way: it gets an answer that says goodbye, instead of a RST (reliability: no request is lost in a
// drain).
bool Server::on_drain(Connection& connection) {
  draining_ = true;
  return connection.session() != nullptr || connection.queued_bytes() > 0 ||
         connection.idle_time() < std::chrono::seconds(1);
}

}  // namespace polyport::http
