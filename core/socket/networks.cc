#include "core/socket/networks.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace polyport {

namespace {

constexpr unsigned kMappedBits = 96;

unsigned bits_of(Family family) {
  return family == Family::kIPv4 ? 32 : 128;
}

tl::unexpected<Error> complaint(std::string what, std::string hint) {
  return failure(ErrorCode::kBadValue, std::move(what), {}, std::move(hint));
}

// The address with everything behind its first `bits` made 0 or 1.
std::array<std::uint8_t, 16> filled(const Address& address, unsigned bits, bool ones) {
  std::array<std::uint8_t, 16> ip = address.ip;
  for (unsigned bit = bits; bit < bits_of(address.family); ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80u >> (bit % 8));
    ip[bit / 8] = static_cast<std::uint8_t>(ones ? ip[bit / 8] | mask : ip[bit / 8] & ~mask);
  }
  return ip;
}

}  // namespace

Result<Networks::Network> Networks::parse(std::string_view text) {
  const std::string shown = quoted(text, 60);
  const std::size_t slash = text.find('/');
  const std::string_view literal = text.substr(0, slash);
  const auto address = literal.find('%') == Bytes::npos ? Address::parse_ip(literal) : std::nullopt;
  if (!address) {
    return complaint(shown + " is no network",
                     "write addresses with the bits that count: \"192.168.0.0/16\", \"fe80::/10\", "
                     "\"::1\"");
  }
  const bool mapped = address->family == Family::kIPv4 && literal.find(':') != Bytes::npos;
  const unsigned all = bits_of(address->family);
  Network network{*address, all};
  if (slash != std::string_view::npos) {
    const unsigned least = mapped ? kMappedBits : 0;
    const auto bits = parse_number<unsigned>(text.substr(slash + 1), least, least + all);
    if (!bits) {
      return complaint(shown + " has no number of bits behind its slash",
                       "from " + std::to_string(least) + " to " + std::to_string(least + all));
    }
    network.bits = *bits - least;
  }
  Address first = *address;
  first.ip = filled(*address, network.bits, false);
  if (first.ip != address->ip) {
    return complaint(
        shown + " has more than the " + std::to_string(network.bits) + " bits of its network",
        "write " + quoted(first.ip_text() + "/" + std::to_string(network.bits)) + ", or " +
            quoted(address->ip_text()) + " for one address");
  }
  return network;
}

Result<void> Networks::check(std::string_view text) {
  auto network = parse(text);
  if (!network) return tl::unexpected(std::move(network.error()));
  return {};
}

Networks::Range Networks::range_of(const Network& network) {
  return {filled(network.address, network.bits, false),
          filled(network.address, network.bits, true)};
}

Networks::Networks(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    const auto network = parse(text);
    POLYPORT_ASSERT(network);
    auto& ranges = network->address.family == Family::kIPv4 ? ipv4_ : ipv6_;
    ranges.push_back(range_of(*network));
  }
  settle(ipv4_);
  settle(ipv6_);
}

// In order, and none inside another: networks overlap only so.
void Networks::settle(std::vector<Range>& ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  std::vector<Range> kept;
  for (const Range& range : ranges) {
    if (kept.empty() || range.first > kept.back().last) kept.push_back(range);
  }
  ranges.swap(kept);
}

bool Networks::contains(const Address& address) const {
  if (!address.is_ip()) return false;
  const auto& ranges = address.family == Family::kIPv4 ? ipv4_ : ipv6_;
  const auto above =
      std::upper_bound(ranges.begin(), ranges.end(), address.ip,
                       [](const Ip& ip, const Range& range) { return ip < range.first; });
  return above != ranges.begin() && address.ip <= std::prev(above)->last;
}

}  // namespace polyport
