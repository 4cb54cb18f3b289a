// What the hub allows, from the options of the service (options.cc has their rows).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "services/chat/token_bucket.h"

namespace polyport::services::chat {

struct Rules {
  std::string room = "#lobby";  // where people behind nc and a browser begin
  std::size_t nick_bytes = 20;
  std::size_t room_bytes = 32;
  std::size_t line_bytes = 1024;
  std::size_t rooms = 1000;
  std::size_t rooms_of_a_member = 10;
  std::size_t members_of_a_room = 10'000;
  std::size_t history_lines = 20;  // shown to whoever joins
  std::size_t presence_limit =
      100;  // above so many members a room hears of coming and going in sum
  Rate talk;
  std::chrono::milliseconds nick_hold{60'000};
  std::string operator_password;  // empty: nobody can be one

  // Questions (who, list, history, joining) cost their answer, and clients ask several at a time.
  Rate ask() const { return {talk.burst * 4, talk.per_second * 4}; }
};

}  // namespace polyport::services::chat
