// Room for more: Network's part that knows how many connections and descriptors there are, and
// wakes the listeners that wait for one.
#include <algorithm>
#include <cerrno>

#include "core/net/network.h"
#include "core/socket/socket.h"

namespace polyport {

void Network::wait_for_room(Listener& listener, CloseReason reason) {
  waiting_.push_back(&listener);
  const bool ends_only = reason == CloseReason::kLimitConnections && !listener.looks_again();
  if (!ends_only) retry_timer_.start(options_.retry_after);
  if (reason != CloseReason::kDescriptorLimit) return;
  // Descriptors may come back without a connection of ours ending: look again after a while. One
  // line a burst, however many listeners stand still and however often one gets through.
  constexpr std::uint64_t kBurstMs = 1'000;
  if (descriptors_short_ms_ == 0 || now_ms_ - descriptors_short_ms_ > kBurstMs) {
    ++descriptor_bursts_;
    log_.warn({.event = "descriptor_limit",
               .message = "no descriptors left: accepting pauses until some are free",
               .service = listener.door().service,
               .listener = listener.id()});
  }
  descriptors_short_ms_ = now_ms_;
}

void Network::tell_limit(const Listener& listener, CloseReason reason) {
  const char* message = "a limit is reached";
  switch (reason) {
    case CloseReason::kLimitConnections:
      message = "as many connections as max_connections allows: new clients wait or are refused";
      break;
    case CloseReason::kLimitAddress:
      message = "clients are refused: one address has max_connections_per_address open";
      break;
    case CloseReason::kLimitRate:
      message = "more new clients than max_new_connections_per_second: they wait or are refused";
      break;
    case CloseReason::kLimitMemory:
      message =
          "memory_limit, of the process or of the service, is near: new clients wait or are "
          "refused";
      break;
    case CloseReason::kDenied:
      message = "clients are refused: the lists allow and deny say so";
      break;
    case CloseReason::kMadeRoom:
      message = "full: the longest idle connections are closed for new clients";
      break;
    default:
      break;
  }
  log_.warn({.event = name(reason),
             .message = message,
             .service = listener.door().service,
             .listener = listener.id()});
}

std::optional<CloseReason> Network::lacks(const StreamDoor& door) {
  if (door.admission.full() || full(door)) return CloseReason::kLimitConnections;
  return lacks_beside_room(door);
}

std::optional<CloseReason> Network::lacks_beside_room(const StreamDoor& door) {
  if (short_of_descriptors(door)) return CloseReason::kDescriptorLimit;
  if (!door.uses_reserve && memory_.is_near()) return CloseReason::kLimitMemory;
  const MemoryLedger* const memory = door.policy.memory;
  if (memory != nullptr && memory->is_near()) return CloseReason::kLimitMemory;
  if (door.admission.too_fast(now_ms_)) return CloseReason::kLimitRate;
  if (!door.uses_reserve && rate_.empty(now_ms_)) return CloseReason::kLimitRate;
  return std::nullopt;
}

// --- making room ---------------------------------------------------------------------------------

bool Network::is_spare(Connection& connection, const Admission* of) const {
  constexpr std::uint32_t kBusy =
      Connection::kClosing | Connection::kFinishing | Connection::kHandshaking;
  const ConnectionSource& source = connection.source();
  if ((connection.flags_ & kBusy) != 0 || source.kind() != ConnectionSource::Kind::kListener) {
    return false;
  }
  const StreamDoor& door = static_cast<const Listener&>(source).door();
  // One that was handed over (a WebSocket) is no longer between two requests.
  return !door.uses_reserve && door.policy.when_full == StreamPolicy::WhenFull::kCloseIdle &&
         (of == nullptr || &door.admission == of) && &connection.handler() == &source.handler() &&
         connection.handler().may_make_room(connection);
}

// One walk of the table for many victims: a flood at a full service must not cost a walk a client.
void Network::find_longest_idle(IdleOnes& idle, const Admission* of) {
  constexpr std::size_t kBatch = 256;
  idle.looked_at = now_;
  table_.for_each([&](Connection& connection) {
    if (is_spare(connection, of)) idle.ones.emplace_back(connection.active_tick_, connection.id());
  });
  const auto older = [](const auto& a, const auto& b) { return a.first < b.first; };
  idle.may_be_more = idle.ones.size() > kBatch;
  if (idle.may_be_more) {
    std::nth_element(idle.ones.begin(), idle.ones.begin() + kBatch, idle.ones.end(), older);
    idle.ones.resize(kBatch);
  }
  std::sort(idle.ones.begin(), idle.ones.end(),
            [&](const auto& a, const auto& b) { return older(b, a); });
}

Connection* Network::longest_idle(const StreamDoor& door) {
  return longest_idle(door.admission.full() ? &door.admission : nullptr);
}

// The last in the list, which is looked at again whenever somebody asks.
Connection* Network::longest_idle(const Admission* of) {
  IdleOnes& idle = idle_ones_[of];
  for (int attempt = 0; attempt < 2; ++attempt) {
    for (; !idle.ones.empty(); idle.ones.pop_back()) {
      const auto& [tick, id] = idle.ones.back();
      Connection* const connection = table_.find(id);
      if (connection != nullptr && connection->active_tick_ == tick && is_spare(*connection, of) &&
          sock::peek(connection->fd_) == -EAGAIN) {
        return connection;
      }
    }
    if (idle.looked_at == now_ && !idle.may_be_more) return nullptr;
    find_longest_idle(idle, of);
  }
  return nullptr;
}

// --- how much there is ---------------------------------------------------------------------------

// What services open towards others is theirs, and counts as descriptors only.
bool Network::full(const StreamDoor& door) const {
  return !door.uses_reserve && options_.max_connections != 0 &&
         clients_ >= options_.max_connections;
}

bool Network::admit(const Address& peer) {
  if (options_.per_address != 0 && !addresses_.add(peer, options_.per_address)) return false;
  ++clients_;
  return true;
}

void Network::leave(const Address& peer) {
  --clients_;
  if (options_.per_address != 0) addresses_.remove(peer);
}

bool Network::short_of_descriptors(const StreamDoor& door) const {
  const std::uint64_t reserve = door.uses_reserve ? options_.reserve : 0;
  return options_.descriptors != 0 &&
         descriptors_in_use() + door.descriptors > options_.descriptors + reserve;
}

bool Network::has_descriptor_for_dial() const {
  return options_.descriptors == 0 || descriptors_in_use() < options_.descriptors;
}

std::uint64_t Network::descriptors_in_use() const {
  return table_.in_use() + attempts_ + udp_clients_.size() + farewells_.count();
}

void Network::note_room() {
  if (waiting_.empty()) return;
  room_made_ = true;
  turn_.request();
}

void Network::resume_waiting() {
  room_made_ = false;
  waiting_now_.swap(waiting_);
  // First come, first served, one client each: a busy listener waits again behind the others.
  std::size_t unserved = 0;
  bool again = false;
  for (Listener* listener : waiting_now_) {
    if (listener->state_ != Listener::State::kWaiting) continue;
    const StreamDoor& door = listener->door();
    const auto reason = lacks(door);
    const bool by_idle = reason == CloseReason::kLimitConnections && listener->looks_again();
    if (!reason || (by_idle && !lacks_beside_room(door) && longest_idle(door) != nullptr)) {
      listener->resume();
    } else {
      if (by_idle || reason != CloseReason::kLimitConnections) again = true;
      waiting_.insert(waiting_.begin() + static_cast<std::ptrdiff_t>(unserved++), listener);
    }
  }
  waiting_now_.clear();
  if (again && !retry_timer_.active()) retry_timer_.start(options_.retry_after);
}

}  // namespace polyport
