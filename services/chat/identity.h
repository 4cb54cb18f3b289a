// Identities: who comes back. A token proves that a new connection belongs to a member that was cut
// off, whose nick is kept for it for a while.
//
// Nothing is stored for a member that is there: a token is its number and a hash over that and a
// secret of this process.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace polyport::services::chat {

class Identities {
 public:
  struct Held {
    std::string nick;
    bool is_operator = false;
    bool is_muted = false;
  };
  static constexpr std::size_t kMostHeld = 10'000;  // beyond, the oldest is given up

  Identities();

  std::string token(std::uint64_t number) const;
  // The number in a token of ours.
  std::optional<std::uint64_t> check(std::string_view token) const;

  void hold(std::uint64_t number, Held held, std::uint64_t until_ms);
  std::optional<Held> take(std::uint64_t number);
  bool holds(std::string_view shape) const { return shapes_.contains(std::string(shape)); }
  void expire(std::uint64_t now_ms);
  bool empty() const { return held_.empty(); }

 private:
  struct Entry {
    Held held;
    std::string shape;
    std::uint64_t until_ms;
  };
  void forget(std::unordered_map<std::uint64_t, Entry>::iterator entry);

  std::string secret_;
  std::unordered_map<std::uint64_t, Entry> held_;
  std::unordered_map<std::string, std::uint64_t> shapes_;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> order_;  // until, number; some taken already
};

}  // namespace polyport::services::chat
