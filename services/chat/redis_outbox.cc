#include "services/chat/redis_outbox.h"

#include <algorithm>

#include "core/base/assert.h"

namespace polyport::services::chat {
namespace {

std::size_t cost(const RedisOutbox::Unsent& unsent) {
  std::size_t bytes = sizeof unsent + 2 * unsent.topic.size();
  for (const std::string& field : unsent.fields)
    bytes += sizeof field + 2 * field.size();  // the message has it, too
  return bytes;
}

}  // namespace

RedisOutbox::Unsent& RedisOutbox::add(Unsent unsent) {
  POLYPORT_ASSERT(unsent.sequence == last_ + 1);
  last_ = unsent.sequence;
  bytes_ += cost(unsent);
  all_.push_back(std::move(unsent));
  return all_.back();
}

RedisOutbox::All::iterator RedisOutbox::at(std::uint64_t sequence) {
  const auto found = std::lower_bound(
      all_.begin(), all_.end(), sequence,
      [](const Unsent& unsent, std::uint64_t wanted) { return unsent.sequence < wanted; });
  return found != all_.end() && found->sequence == sequence ? found : all_.end();
}

RedisOutbox::Unsent* RedisOutbox::find(std::uint64_t sequence) {
  const auto found = at(sequence);
  return found == all_.end() ? nullptr : &*found;
}

RedisOutbox::Unsent* RedisOutbox::find_provisional(std::uint64_t number) {
  const auto found = std::find_if(all_.begin(), all_.end(), [number](const Unsent& unsent) {
    return unsent.provisional == number;
  });
  return found == all_.end() ? nullptr : &*found;
}

std::optional<RedisOutbox::Unsent> RedisOutbox::take(std::uint64_t sequence) {
  const auto found = at(sequence);
  if (found == all_.end()) return std::nullopt;
  bytes_ -= cost(*found);
  std::optional<Unsent> taken(std::move(*found));
  all_.erase(found);
  return taken;
}

}  // namespace polyport::services::chat
