#include "app/commands/swarm/echo_speech.h"

#include <algorithm>

#include "app/commands/swarm/pattern.h"
#include "core/base/text.h"

namespace polyport::swarm {
namespace {
constexpr std::size_t kMostBytesUnderWay = 256 * 1024;
constexpr std::size_t kMostMessagesUnderWay = 64;
}  // namespace

void EchoSpeech::say(std::string& out) {
  append_pattern(out, key_, said_, size_);
  said_ += size_;
}

Heard EchoSpeech::hear(Bytes bytes) {
  const std::uint64_t due = said_ - heard_;
  const Bytes expected =
      bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(due, bytes.size())));
  const std::size_t right = first_difference(expected, key_, heard_);
  Heard heard;
  heard.answers = static_cast<std::uint32_t>((heard_ + right) / size_ - heard_ / size_);
  heard.verified = right;
  heard_ += right;
  if (right == bytes.size()) return heard;
  heard.wrong = right < expected.size() ? "another byte came back than was sent"
                                        : "more bytes came back than were sent";
  heard.wrong += ", at offset " + std::to_string(heard_) + ": " + quoted(bytes.substr(right), 20);
  return heard;
}

std::size_t EchoSpeech::most_under_way() const {
  return std::clamp<std::size_t>(kMostBytesUnderWay / size_, 1, kMostMessagesUnderWay);
}

}  // namespace polyport::swarm
