// Room for more: Network's part that knows how many connections and descriptors there are, and
// wakes the listeners that wait for one.
#include "core/net/network.h"

namespace polyport {

void Network::wait_for_room(Listener& listener, CloseReason reason) {
  waiting_.push_back(&listener);
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
  retry_timer_.start(options_.retry_after);
}

// Clients count: what services open towards others is theirs, and counts as descriptors only.
bool Network::full(const StreamDoor& door) const {
  if (door.uses_reserve || options_.max_connections == 0) return false;
  std::uint64_t outgoing = 0;
  for (const auto& dialer : dialers_)
    outgoing += dialer->active();
  return table_.in_use() - outgoing >= options_.max_connections;
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
  return table_.in_use() + attempts_ + udp_clients_.size();
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
  for (Listener* listener : waiting_now_) {
    if (listener->state_ != Listener::State::kWaiting) continue;
    if (listener->has_room()) {
      listener->resume();
    } else {
      waiting_.insert(waiting_.begin() + static_cast<std::ptrdiff_t>(unserved++), listener);
    }
  }
  waiting_now_.clear();
}

}  // namespace polyport
