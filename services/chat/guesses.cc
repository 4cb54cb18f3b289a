#include "services/chat/guesses.h"

#include <algorithm>

#include "core/socket/address.h"

namespace polyport::services::chat {
namespace {

// Without its port; of IPv6 the half that a host cannot choose.
std::string counted_as(std::string_view address) {
  std::string host(address.substr(0, address.rfind(':')));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  auto ip = Address::parse_ip(host);
  if (!ip || ip->family != Family::kIPv6) return host;
  std::fill(ip->ip.begin() + 8, ip->ip.end(), std::uint8_t{0});
  return ip->ip_text();
}

}  // namespace

bool Guesses::may_guess(std::string_view address, std::uint64_t now_ms) {
  expire(now_ms);
  const auto found = wrong_.find(counted_as(address));
  return found == wrong_.end() || found->second < kMost;
}

void Guesses::guessed_wrong(std::string_view address, std::uint64_t now_ms) {
  expire(now_ms);
  const std::string key = counted_as(address);
  if (++wrong_[key] > 1) return;
  order_.emplace_back(now_ms + static_cast<std::uint64_t>(kWindow.count()), key);
  if (order_.size() <= kMostAddresses) return;
  wrong_.erase(order_.front().second);
  order_.pop_front();
}

void Guesses::expire(std::uint64_t now_ms) {
  while (!order_.empty() && order_.front().first <= now_ms) {
    wrong_.erase(order_.front().second);
    order_.pop_front();
  }
}

}  // namespace polyport::services::chat
