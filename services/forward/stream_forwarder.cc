#include "services/forward/stream_forwarder.h"

#include <algorithm>
#include <utility>

namespace polyport::services::forward {

using State = UpstreamStatus::State;

namespace {

// The service's own policy, on the other side: what one side may queue, the other may too. A pair
// is as idle as its client, so idleness is looked at once.
StreamPolicy upstream_policy(StreamPolicy policy) {
  policy.idle_timeout = {};
  policy.client_speaks_first = false;
  return policy;
}

// Of our own making: another upstream would do no better, and this one is not to blame.
bool is_ours(DialError error) {
  return error == DialError::kDescriptors || error == DialError::kLocalAddress;
}

}  // namespace

Result<void> StreamForwarder::start(ServiceContext& context) {
  context_ = &context;
  door_.reset(new DialDoor{context.instance, *this, upstream_policy(context.policy)});
  for (std::size_t i = 0; i < upstreams_.size(); ++i)
    dialers_.push_back(&context.network.add_dialer(*door_, upstreams_[i].id));
  waiting_.resize(upstreams_.size());
  return names_.start(context, times_.resolve_every, OwnListeners(context.host, context.instance),
                      [this](std::size_t index) { name_answered(index); });
}

// --- finding an upstream -------------------------------------------------------------------------

void StreamForwarder::on_open(Connection& connection) {
  if (connection.is_outgoing()) {
    upstream_opened(connection);
  } else {
    client_opened(connection);
  }
}

void StreamForwarder::client_opened(Connection& client) {
  auto owned = std::make_unique<Pair>();
  owned->client = client.id();
  client.set_session(owned.get());
  Pair& pair = *owned.release();  // on_close frees it
  const std::uint8_t hops = client.hops();
  if (hops >= HopTable::kMost) {
    tell(LogLevel::kWarn, "forward_loop",
         client.peer().text() + " is this process itself, " +
             (hops == 255 ? std::string("on a unix socket")
                          : "forwarding for the " + std::to_string(hops) + "th time") +
             ": its upstreams lead back to it",
         &client);
    client.reset(CloseReason::kUpstreamFailed);
    return;
  }
  pair.hops = static_cast<std::uint8_t>(hops + 1);
  // Until there is somebody to pass them on to, its bytes stay in the kernel.
  client.pause_reading();
  pair.untried = upstreams_.next_order(context_->loop.now_ms());
  try_next(client, pair);
}

void StreamForwarder::try_next(Connection& client, Pair& pair) {
  while (!pair.untried.empty()) {
    pair.at = pair.untried.back();
    pair.untried.pop_back();
    const Upstream& upstream = upstreams_[pair.at];
    if (!upstream.targets.empty()) {
      pair.dial = dialers_[pair.at]->dial({.targets = upstream.targets,
                                           .timeout = times_.connect,
                                           .session = &pair,
                                           .hops = pair.hops});
      return;
    }
    if (upstream.state == State::kResolving) {
      wait_for_name(client, pair);
      return;
    }
    pair.failures += (pair.failures.empty() ? "" : "; ") + upstream.error;
  }
  give_up(client, pair);
}

void StreamForwarder::wait_for_name(Connection& client, Pair& pair) {
  pair.waits_for_name = true;
  waiting_[pair.at].push_back(pair.client);
  client.set_deadline(times_.connect, CloseReason::kUpstreamFailed);
}

void StreamForwarder::name_answered(std::size_t index) {
  for (const ConnectionId id : std::exchange(waiting_[index], {})) {
    Connection* const client = context_->network.find(id);
    if (client == nullptr || !pair_of(*client).waits_for_name || pair_of(*client).at != index) {
      continue;
    }
    Pair& pair = pair_of(*client);
    pair.waits_for_name = false;
    client->clear_deadline();
    pair.untried.push_back(pair.at);  // the same again, with its answer
    try_next(*client, pair);
  }
}

void StreamForwarder::on_deadline(Connection& connection, CloseReason reason) {
  Pair& pair = pair_of(connection);
  if (!pair.waits_for_name || reason != CloseReason::kUpstreamFailed) {
    DialHandler::on_deadline(connection, reason);
    return;
  }
  pair.waits_for_name = false;
  pair.failures += (pair.failures.empty() ? "" : "; ") + upstreams_[pair.at].endpoint.host +
                   ": no name server has answered yet";
  try_next(connection, pair);
}

void StreamForwarder::on_dial_failed(const DialFailure& failure) {
  Pair& pair = *static_cast<Pair*>(failure.session);
  pair.dial = 0;
  pair.last_error = failure.error();
  note_failure(pair.at, failure);
  pair.failures += (pair.failures.empty() ? "" : "; ") + upstreams_[pair.at].told(failure);
  // A client that has gone has cancelled its dial.
  if (Connection* const client = context_->network.find(pair.client)) try_next(*client, pair);
}

void StreamForwarder::note_failure(std::size_t index, const DialFailure& failure) {
  if (is_ours(failure.error())) return;
  const std::string what = upstreams_[index].told(failure);
  if (upstreams_.failed(index, what, context_->loop.now_ms())) {
    tell(LogLevel::kWarn, "upstream_failed", what);
  }
  names_.doubt(index);
}

void StreamForwarder::give_up(Connection& client, Pair& pair) {
  if (const auto more = no_upstream_.may_tell(context_->loop.now_ms())) {
    tell(LogLevel::kWarn, "no_upstream",
         "a client was turned away, no upstream answers: " + pair.failures + *more, &client);
  }
  client.reset(pair.last_error == DialError::kDescriptors ? CloseReason::kDescriptorLimit
                                                          : CloseReason::kUpstreamFailed);
}

void StreamForwarder::upstream_opened(Connection& upstream) {
  Pair& pair = pair_of(upstream);
  pair.dial = 0;
  pair.upstream = upstream.id();
  std::vector<std::uint16_t>().swap(pair.untried);  // an assignment would keep their memory
  std::string().swap(pair.failures);
  if (upstreams_.answered(pair.at)) {
    tell(LogLevel::kInfo, "upstream_back", upstreams_[pair.at].text() + " answers again");
  }
  if (Connection* const client = context_->network.find(pair.client)) client->resume_reading();
}

// --- passing on ----------------------------------------------------------------------------------

Connection* StreamForwarder::other_side(const Connection& connection) const {
  const Pair& pair = pair_of(connection);
  return context_->network.find(connection.is_outgoing() ? pair.client : pair.upstream);
}

void StreamForwarder::on_data(Connection& connection, Bytes data) {
  Connection* const other = other_side(connection);
  if (other == nullptr) return;  // it is over, and this side is about to be
  other->send(data);
  if (other->is_congested()) connection.pause_reading();
}

void StreamForwarder::on_writable(Connection& connection) {
  if (Connection* const other = other_side(connection)) other->resume_reading();
}

void StreamForwarder::on_end(Connection& connection) {
  if (Connection* const other = other_side(connection)) {
    other->finish_sending();
  } else {
    connection.finish();
  }
}

// --- ending --------------------------------------------------------------------------------------

void StreamForwarder::on_close(Connection& connection, CloseReason reason) {
  Pair& pair = pair_of(connection);
  connection.set_session(nullptr);
  const bool is_client = !connection.is_outgoing();
  (is_client ? pair.client : pair.upstream) = {};
  if (is_client && pair.dial != 0) dialers_[pair.at]->cancel(std::exchange(pair.dial, 0));
  const ConnectionId rest = is_client ? pair.upstream : pair.client;
  if (!rest) {
    delete &pair;
  } else if (Connection* const other = context_->network.find(rest)) {
    end_other(connection, reason, *other);
  }
}

// What becomes of one side when the other is over.
void StreamForwarder::end_other(const Connection& gone, CloseReason reason, Connection& other) {
  switch (reason) {
    case CloseReason::kPeerClosed:
    case CloseReason::kFinished:
      // Both its directions are over, each with a FIN that was passed on; once what is queued has
      // been sent, this side is over too.
      other.finish_sending();
      return;
    case CloseReason::kDrain:
    case CloseReason::kIdleTimeout:
      other.close(reason);
      return;
    default:
      break;
  }
  if (gone.peer_finished()) {
    // It had said all there was to say: that is still delivered.
    other.finish();
  } else {
    other.reset(gone.is_outgoing() ? CloseReason::kUpstreamFailed : CloseReason::kServiceClosed);
  }
}

bool StreamForwarder::on_drain(Connection& connection) {
  const Pair& pair = pair_of(connection);
  if (pair.dial != 0 || pair.waits_for_name) return true;
  const Connection* const other = other_side(connection);
  return DialHandler::on_drain(connection) ||
         (other != nullptr &&
          (other->queued_bytes() > 0 || other->idle_time() < std::chrono::seconds(1)));
}

// --- telling -------------------------------------------------------------------------------------

void StreamForwarder::tell(LogLevel level, std::string_view event, const std::string& message,
                           const Connection* client) {
  if (!context_->log.enabled(level)) return;
  const std::string conn = client == nullptr ? "" : text(client->id());
  const std::string peer = client == nullptr ? "" : client->peer().text();
  context_->log.write(level, {.event = event,
                              .message = message,
                              .service = context_->instance,
                              .conn = conn,
                              .peer = peer});
}

void StreamForwarder::report(ServiceStatus& status,
                             const std::vector<Network::Totals>& totals) const {
  for (std::size_t i = 0; i < dialers_.size(); ++i) {
    const Dialer& dialer = *dialers_[i];
    UpstreamStatus row = upstreams_[i].status();
    row.opened = dialer.opened();
    row.active = dialer.active();
    row.bytes_in = totals[dialer.number()].bytes_in;
    row.bytes_out = totals[dialer.number()].bytes_out;
    row.failed = counts<DialError>(dialer.failed());
    row.closed = counts<CloseReason>(dialer.closed());
    status.upstreams.push_back(std::move(row));
  }
  add_trouble(upstreams_, status);
}

}  // namespace polyport::services::forward
