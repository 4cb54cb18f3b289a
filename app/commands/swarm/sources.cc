#include "app/commands/swarm/sources.h"

#include <algorithm>

#include "app/figures.h"
#include "core/base/text.h"

namespace polyport::swarm {
namespace {

// Of the ports that are lent, what is left to everybody else on this machine.
constexpr std::uint32_t kShareLeft = 20;  // one in so many

std::string limit_sentence(std::uint32_t lendable, const Address& target) {
  return "one address has " + grouped(lendable) + " ephemeral ports towards " + target.text();
}

}  // namespace

Result<SourceRange> parse_source_ports(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_number<std::uint16_t>(text.substr(0, dash), 1);
  const auto last = dash == std::string_view::npos
                        ? first
                        : parse_number<std::uint16_t>(text.substr(dash + 1), 1);
  if (!first || !last || *first > *last) {
    return failure(ErrorCode::kBadValue, quoted(text, 40) + " is no range of ports",
                   "--source-ports", "for example 50000-50009");
  }
  return SourceRange{*first, *last};
}

std::uint32_t lendable_ports(EphemeralRange range, const PortSet& reserved) {
  std::uint32_t count = 0;
  for (std::uint32_t port = range.low; port <= range.high; ++port)
    count += reserved.test(port) ? 0u : 1u;
  return count;
}

Result<Sources> Sources::choose(const Request& request) {
  Sources sources;
  const Address& target = request.target;
  if (!target.is_ip()) return sources;
  sources.ports_ = request.ports;
  for (Address address : request.addresses) {
    if (address.family == target.family) sources.addresses_.push_back(address);
  }
  if (!request.addresses.empty() && sources.addresses_.empty()) {
    return failure(ErrorCode::kBadValue, "no source has the IP family of " + target.text(),
                   "--source", "write both as IPv4 or both as IPv6");
  }
  // Whoever names the ports wants to see what becomes of them.
  if (request.ports) {
    if (sources.addresses_.empty()) sources.addresses_.push_back(Address::any(target.family));
    return sources;
  }
  const std::uint32_t usable = request.lendable - request.lendable / kShareLeft;
  const auto given =
      static_cast<std::uint32_t>(std::max<std::size_t>(1, sources.addresses_.size()));
  if (usable > 0 && request.sockets <= std::uint64_t{usable} * given) return sources;
  const bool can_spread = target.family == Family::kIPv4 && target.is_loopback() &&
                          request.addresses.empty() && usable > 0;
  if (!can_spread) {
    const bool many = request.sockets <= std::uint64_t{request.lendable} * given;
    if (many) return sources;  // it may just fit
    return failure(ErrorCode::kBadValue,
                   grouped(request.sockets) +
                       " sockets are too many: " + limit_sentence(request.lendable, target),
                   "--count", "spread them with --source ADDRESS,ADDRESS...");
  }
  const std::uint32_t needed = (request.sockets + usable - 1) / usable;
  if (needed > 200) {
    return failure(ErrorCode::kBadValue,
                   grouped(request.sockets) +
                       " sockets are too many: " + limit_sentence(request.lendable, target),
                   "--count", "see /proc/sys/net/ipv4/ip_local_port_range");
  }
  for (std::uint32_t i = 1; i <= needed; ++i) {
    Address address = Address::loopback(Family::kIPv4);
    address.ip[3] = static_cast<std::uint8_t>(i);
    sources.addresses_.push_back(address);
  }
  sources.note_ = limit_sentence(request.lendable, target) + ": the sockets come from " +
                  sources.addresses_.front().ip_text() + " to " +
                  sources.addresses_.back().ip_text();
  return sources;
}

std::optional<Address> Sources::of(std::uint32_t socket) const {
  if (addresses_.empty()) return std::nullopt;
  Address address = addresses_[socket % addresses_.size()];
  const std::uint32_t rank = socket / static_cast<std::uint32_t>(addresses_.size());
  if (ports_) address.port = static_cast<std::uint16_t>(ports_->first + rank % ports_->count());
  return address;
}

}  // namespace polyport::swarm
