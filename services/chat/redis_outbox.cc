#include "services/chat/redis_outbox.h"

#include <algorithm>
#include <iterator>

#include "core/base/assert.h"

namespace polyport::services::chat {
namespace {

std::size_t cost(const RedisOutbox::Unsent& unsent) {
  std::size_t bytes = sizeof unsent + unsent.topic.size() + unsent.room.size() + unsent.to.size();
  if (unsent.message) bytes += unsent.message->text.size();
  for (const std::string& field : unsent.fields)
    bytes += sizeof field + field.size();
  return bytes;
}

}  // namespace

RedisOutbox::Unsent& RedisOutbox::add(Unsent unsent) {
  POLYPORT_ASSERT(unsent.sequence == last_ + 1);
  last_ = unsent.sequence;
  unsent.bytes = cost(unsent);
  bytes_ += unsent.bytes;
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

// Those that have been shown come first, in the order of their numbers.
RedisOutbox::Unsent* RedisOutbox::find_provisional(std::uint64_t number) {
  const auto found = std::lower_bound(
      all_.begin(), all_.end(), number, [](const Unsent& unsent, std::uint64_t wanted) {
        return unsent.provisional != 0 && unsent.provisional < wanted;
      });
  return found == all_.end() || found->provisional != number ? nullptr : &*found;
}

std::optional<RedisOutbox::Unsent> RedisOutbox::take(std::uint64_t sequence) {
  const auto found = at(sequence);
  if (found == all_.end()) return std::nullopt;
  bytes_ -= found->bytes;
  std::optional<Unsent> taken(std::move(*found));
  all_.erase(found);
  return taken;
}

std::vector<RedisOutbox::Unsent> RedisOutbox::take_private() {
  const auto first = std::stable_partition(all_.begin(), all_.end(), [](const Unsent& unsent) {
    return unsent.from == 0 || unsent.was_sent;
  });
  std::vector<Unsent> taken(std::make_move_iterator(first), std::make_move_iterator(all_.end()));
  all_.erase(first, all_.end());
  for (const Unsent& unsent : taken)
    bytes_ -= unsent.bytes;
  return taken;
}

}  // namespace polyport::services::chat
