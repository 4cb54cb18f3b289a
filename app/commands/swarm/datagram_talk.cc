#include "app/commands/swarm/datagram_talk.h"

#include "app/commands/swarm/pattern.h"
#include "core/base/text.h"

namespace polyport::swarm {
namespace {
constexpr std::size_t kDigits = 10;
}

std::string DatagramTalk::say(std::uint64_t number) const {
  std::string text = std::to_string(number % 10'000'000'000u);
  text.insert(0, kDigits - text.size(), '0');
  append_pattern(text, mix(key_, number), 0, size_ - kDigits);
  return text;
}

std::optional<std::uint64_t> DatagramTalk::recognise(Bytes bytes) const {
  if (bytes.size() != size_) return std::nullopt;
  const auto number = parse_number<std::uint64_t>(bytes.substr(0, kDigits));
  if (!number) return std::nullopt;
  const Bytes rest = bytes.substr(kDigits);
  if (first_difference(rest, mix(key_, *number), 0) != rest.size()) return std::nullopt;
  return number;
}

}  // namespace polyport::swarm
