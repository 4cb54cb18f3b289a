// Room: who is in it, and what it is about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace polyport::services::chat {

class Member;

struct Room {
  std::string name;  // as whoever opened it wrote it
  std::string topic;
  std::string topic_by;
  std::uint64_t topic_ms = 0;    // wall clock
  std::vector<Member*> members;  // in the order they came
  // In a large room: who came and left since everybody was told.
  std::uint32_t came = 0;
  std::uint32_t left = 0;
};

}  // namespace polyport::services::chat
