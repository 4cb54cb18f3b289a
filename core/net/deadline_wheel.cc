#include "core/net/deadline_wheel.h"

#include <algorithm>
#include <bit>

namespace polyport {

Tick ticks(std::chrono::milliseconds duration) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 365);
  const auto bounded = std::clamp(duration, std::chrono::milliseconds(1), kLongest);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(bounded);
  return static_cast<Tick>((micros.count() + kTick.count() - 1) / kTick.count());
}

DeadlineWheel::DeadlineWheel(ConnectionTable& table) : table_(table) {
  heads_.fill(kNone);
}

void DeadlineWheel::schedule(Connection& connection, Tick due) {
  due = std::max(due, collected_ + 1);
  if (connection.wheel_bucket_ != Connection::kNoBucket) {
    // Where it is linked comes up sooner: it will be put forward then.
    const std::uint32_t linked = (connection.wheel_bucket_ - collected_ - 1) % kBuckets;
    if (linked <= due - collected_ - 1) return;
    remove(connection);
  }
  const std::uint32_t ahead = std::min(due - collected_, kBuckets - 1);
  const std::uint32_t bucket = (collected_ + ahead) % kBuckets;
  connection.wheel_bucket_ = static_cast<std::uint16_t>(bucket);
  connection.wheel_previous_ = kNone;
  connection.wheel_next_ = heads_[bucket];
  if (heads_[bucket] != kNone) table_.at(heads_[bucket]).wheel_previous_ = connection.index_;
  heads_[bucket] = connection.index_;
  occupied_[bucket / 64] |= std::uint64_t{1} << (bucket % 64);
}

void DeadlineWheel::remove(Connection& connection) {
  const std::uint32_t bucket = connection.wheel_bucket_;
  if (bucket == Connection::kNoBucket) return;
  if (connection.wheel_next_ != kNone) {
    table_.at(connection.wheel_next_).wheel_previous_ = connection.wheel_previous_;
  }
  if (connection.wheel_previous_ != kNone) {
    table_.at(connection.wheel_previous_).wheel_next_ = connection.wheel_next_;
  } else {
    heads_[bucket] = connection.wheel_next_;
    if (heads_[bucket] == kNone) occupied_[bucket / 64] &= ~(std::uint64_t{1} << (bucket % 64));
  }
  connection.wheel_bucket_ = Connection::kNoBucket;
}

void DeadlineWheel::take_bucket(std::uint32_t bucket, std::vector<ConnectionId>& out) {
  while (heads_[bucket] != kNone) {
    Connection& connection = table_.at(heads_[bucket]);
    out.push_back(connection.id());
    remove(connection);
  }
}

void DeadlineWheel::collect(Tick now, std::vector<ConnectionId>& out) {
  if (now <= collected_) return;
  const Tick first = collected_ + 1;
  const std::uint32_t span = std::min(now - collected_, kBuckets);
  collected_ = now;
  for (std::uint32_t i = 0; i < span; ++i) {
    const std::uint32_t bucket = (first + i) % kBuckets;
    if ((occupied_[bucket / 64] >> (bucket % 64) & 1) != 0) take_bucket(bucket, out);
  }
}

std::optional<Tick> DeadlineWheel::next() const {
  const std::uint32_t start = (collected_ + 1) % kBuckets;
  // The first word from its bit on, then the others, then the first one's lower bits.
  for (std::uint32_t step = 0; step <= kBuckets / 64; ++step) {
    const std::uint32_t word = (start / 64 + step) % (kBuckets / 64);
    std::uint64_t bits = occupied_[word];
    if (step == 0) bits &= ~std::uint64_t{0} << (start % 64);
    if (bits == 0) continue;
    const std::uint32_t bucket = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
    return collected_ + 1 + (bucket - start) % kBuckets;
  }
  return std::nullopt;
}

}  // namespace polyport
