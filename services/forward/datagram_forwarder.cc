#include "services/forward/datagram_forwarder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace polyport::services::forward {

using State = UpstreamStatus::State;

namespace {

std::size_t hash_of(const Address& address) {
  const auto* bytes = reinterpret_cast<const char*>(address.ip.data());
  return std::hash<std::string_view>()({bytes, address.ip.size()}) * 31 + address.port;
}

// Whether an error says that the upstream is not there.
bool is_the_upstreams(int error) {
  const DialError kind = dial_error(error);
  return kind == DialError::kRefused || kind == DialError::kUnreachable ||
         kind == DialError::kTimedOut;
}

}  // namespace

std::size_t DatagramForwarder::Hash::operator()(const ReturnPath& path) const {
  return hash_of(path.peer()) * 31 + hash_of(path.local());
}

Result<void> DatagramForwarder::start(ServiceContext& context) {
  context_ = &context;
  counters_.resize(upstreams_.size());
  timer_.emplace(context.loop, [this] { expire(); });
  return names_.start(context, limits_.resolve_every, OwnListeners(context.host, context.instance),
                      [](std::size_t) {});
}

void DatagramForwarder::stop() {
  names_.stop();
  timer_.reset();
  while (!sessions_.empty())
    close(sessions_.front(), CloseReason::kDrain);
}

// --- from clients --------------------------------------------------------------------------------

void DatagramForwarder::forward(const Datagram& datagram) {
  const std::uint8_t hops = context_->network.hops().hops_of(datagram.peer(), now());
  if (hops >= HopTable::kMost) {
    if (const auto more = looped_.may_tell(now())) {
      tell(LogLevel::kWarn, "forward_loop",
           datagram.peer().text() + " is this process itself: its upstreams lead back to it" +
               *more);
    }
    return;
  }
  Session* const session = find_or_open(datagram, hops);
  if (session == nullptr) return;
  session->credit += datagram.bytes().size();
  use(*session);
  send(*session, datagram.bytes());
}

DatagramForwarder::Session* DatagramForwarder::find_or_open(const Datagram& datagram,
                                                            std::uint8_t hops) {
  const ReturnPath back = datagram.return_path();
  const auto known = by_client_.find(back);
  if (known == by_client_.end()) return open(back, hops);
  // A port that another of our sockets has taken over since.
  if (known->second->hops >= hops) return &*known->second;
  close(*known->second, CloseReason::kMadeRoom);
  return open(back, hops);
}

DatagramForwarder::Session* DatagramForwarder::open(const ReturnPath& back, std::uint8_t hops) {
  if (sessions_.size() >= limits_.sessions && !make_room()) return nullptr;
  std::string failures;
  std::vector<std::uint16_t> order = upstreams_.next_order(now());
  for (; !order.empty(); order.pop_back()) {
    const std::uint16_t index = order.back();
    const Upstream& upstream = upstreams_[index];
    if (upstream.targets.empty()) continue;  // the client asks again, as it must with UDP
    Counters& counters = counters_[index];
    const DialTarget& target = upstream.targets[counters.turn % upstream.targets.size()];
    sessions_.push_back({.back = back, .at = index, .hops = hops, .used_ms = now()});
    Session& session = sessions_.back();
    int error = 0;
    session.socket = context_->network.open_udp_client(
        *this,
        {.peer = target.address, .session = &session, .hops = static_cast<std::uint8_t>(hops + 1)},
        error);
    if (session.socket != nullptr) {
      by_client_.emplace(back, std::prev(sessions_.end()));
      ++counters.opened;
      ++counters.active;
      if (sessions_.size() == 1) arm();
      return &session;
    }
    note_failure(index, target.address, error);
    failures += (failures.empty() ? "" : "; ") + target.text() + ": " + std::strerror(error);
    sessions_.pop_back();
  }
  if (const auto more = no_upstream_.may_tell(now()); more && !failures.empty()) {
    tell(LogLevel::kWarn, "no_upstream",
         "a datagram was dropped, there is no way to an upstream: " + failures + *more);
  }
  return nullptr;
}

bool DatagramForwarder::make_room() {
  Session& silent = sessions_.front();
  if (now() - silent.used_ms >= kYieldsAfterMs) {
    close(silent, CloseReason::kMadeRoom);
    return true;
  }
  if (const auto more = full_.may_tell(now())) {
    tell(LogLevel::kWarn, "udp_sessions_full",
         "a datagram was dropped: all " + std::to_string(limits_.sessions) +
             " sessions are in use (max_udp_sessions)" + *more);
  }
  return false;
}

void DatagramForwarder::use(Session& session) {
  session.used_ms = now();
  const auto place = by_client_.find(session.back)->second;
  sessions_.splice(sessions_.end(), sessions_, place);
}

void DatagramForwarder::send(Session& session, Bytes bytes) {
  Counters& counters = counters_[session.at];
  int error = session.socket->send(bytes);
  if (error == ECONNREFUSED) {
    // That was the answer to an earlier one. This one goes to whoever is next; once, because the
    // next may be as dead.
    note_failure(session.at, session.socket->peer(), error);
    const ReturnPath back = session.back;
    const std::uint8_t hops = session.hops;
    const std::size_t credit = session.credit;
    close(session, CloseReason::kUpstreamFailed);
    Session* const next = open(back, hops);
    if (next == nullptr) return;
    next->credit = credit;
    error = next->socket->send(bytes);
    if (error == 0) {
      ++counters_[next->at].datagrams_out;
      counters_[next->at].bytes_out += bytes.size();
    }
    return;
  }
  if (error != 0) {
    ++counters.failed[static_cast<std::size_t>(dial_error(error))];
    return;
  }
  ++counters.datagrams_out;
  counters.bytes_out += bytes.size();
}

// --- from upstreams ------------------------------------------------------------------------------

void DatagramForwarder::on_answer(UdpClient& client, Bytes bytes) {
  Session& session = *static_cast<Session*>(client.session());
  Counters& counters = counters_[session.at];
  ++counters.datagrams_in;
  counters.bytes_in += bytes.size();
  use(session);
  if (upstreams_.answered(session.at)) {
    tell(LogLevel::kInfo, "upstream_back", upstreams_[session.at].text() + " answers again");
  }
  const bool free = bytes.size() <= session.credit;  // else the client's allowance pays
  if (session.back.answer(bytes, session.credit) && free) session.credit -= bytes.size();
}

void DatagramForwarder::on_error(UdpClient& client, int error) {
  Session& session = *static_cast<Session*>(client.session());
  note_failure(session.at, client.peer(), error);
  // Any other error is about one datagram; this one is about the port.
  if (is_the_upstreams(error)) close(session, CloseReason::kUpstreamFailed);
}

void DatagramForwarder::note_failure(std::uint16_t at, const Address& peer, int error) {
  Counters& counters = counters_[at];
  ++counters.failed[static_cast<std::size_t>(dial_error(error))];
  const std::vector<DialTarget>& targets = upstreams_[at].targets;
  if (!is_the_upstreams(error) || targets.empty()) return;
  names_.doubt(at);
  // Of several addresses the next one is next; only when all have failed has the upstream.
  if (targets[counters.turn % targets.size()].address == peer) ++counters.turn;
  if (counters.turn % targets.size() != 0) return;
  const std::string what =
      upstreams_[at].told({.attempts = {{.target = {peer, {}}, .error = error}}});
  if (upstreams_.failed(at, what, now())) tell(LogLevel::kWarn, "upstream_failed", what);
}

// --- the end of sessions -------------------------------------------------------------------------

void DatagramForwarder::close(Session& session, CloseReason reason) {
  --counters_[session.at].active;
  ++counters_[session.at].closed[static_cast<std::size_t>(reason)];
  session.socket->close();
  const auto known = by_client_.find(session.back);
  const auto place = known->second;
  by_client_.erase(known);
  sessions_.erase(place);
}

void DatagramForwarder::expire() {
  const auto most = static_cast<std::uint64_t>(limits_.session_timeout.count());
  while (!sessions_.empty() && now() - sessions_.front().used_ms >= most)
    close(sessions_.front(), CloseReason::kIdleTimeout);
  arm();
}

// Set for the longest silent; whoever speaks meanwhile moves behind it, so it may come early.
void DatagramForwarder::arm() {
  if (!timer_ || sessions_.empty()) return;
  const auto most = static_cast<std::uint64_t>(limits_.session_timeout.count());
  const std::uint64_t due = sessions_.front().used_ms + most;
  timer_->start(std::chrono::milliseconds(due > now() ? due - now() : 0));
}

// --- telling -------------------------------------------------------------------------------------

void DatagramForwarder::tell(LogLevel level, std::string_view event, const std::string& message) {
  context_->log.write(level, {.event = event, .message = message, .service = context_->instance});
}

void DatagramForwarder::report(ServiceStatus& status) const {
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    const Counters& counters = counters_[i];
    UpstreamStatus row = upstreams_[i].status();
    row.opened = counters.opened;
    row.active = counters.active;
    row.datagrams_in = counters.datagrams_in;
    row.datagrams_out = counters.datagrams_out;
    row.bytes_in = counters.bytes_in;
    row.bytes_out = counters.bytes_out;
    row.failed = counts<DialError>(counters.failed);
    row.closed = counts<CloseReason>(counters.closed);
    status.upstreams.push_back(std::move(row));
  }
  add_trouble(upstreams_, status);
}

}  // namespace polyport::services::forward
