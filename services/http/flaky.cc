#include "services/http/flaky.h"

#include "core/base/assert.h"

namespace polyport::services::http {

std::uint64_t Flaky::count(const std::string& key) {
  POLYPORT_ASSERT(key.size() <= kMostKeyBytes);
  const auto found = places_.find(key);
  if (found != places_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return ++found->second->requests;
  }
  if (places_.size() == kMostKeys) {
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({key, 1});
  places_.emplace(key, entries_.begin());
  return 1;
}

void Flaky::forget(const std::string& key) {
  const auto found = places_.find(key);
  if (found == places_.end()) return;
  entries_.erase(found->second);
  places_.erase(found);
}

}  // namespace polyport::services::http
