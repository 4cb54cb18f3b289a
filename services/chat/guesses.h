// Guesses: wrong passwords, counted by the address they came from.
//
// A member that guesses is slowed down by its own buckets; who comes anew has full ones, ten
// thousand times a second. So an address has kMost guesses in kWindow, however often it comes.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace polyport::services::chat {

class Guesses {
 public:
  static constexpr std::uint32_t kMost = 10;
  static constexpr std::chrono::milliseconds kWindow{60'000};
  static constexpr std::size_t kMostAddresses = 10'000;  // beyond, the oldest is forgotten

  // `address` as Place has it, with its port. The /64 of an IPv6 host counts as one address.
  bool may_guess(std::string_view address, std::uint64_t now_ms);
  void guessed_wrong(std::string_view address, std::uint64_t now_ms);

 private:
  void expire(std::uint64_t now_ms);

  std::unordered_map<std::string, std::uint32_t> wrong_;
  std::deque<std::pair<std::uint64_t, std::string>> order_;  // when the first guess is forgotten
};

}  // namespace polyport::services::chat
