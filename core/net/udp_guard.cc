#include "core/net/udp_guard.h"

#include <ifaddrs.h>

#include <algorithm>

#include "core/base/assert.h"

namespace polyport {

namespace {

// Small services and the responders most often drawn into reflected storms.
constexpr std::array<std::uint16_t, 12> kResponderPorts = {7,   13,  17,  19,   37,   53,
                                                           123, 161, 389, 1900, 2049, 11211};
constexpr double kPerSource = 10;
constexpr double kInAll = 1000;

std::vector<Address> interface_addresses() {
  std::vector<Address> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const Address address = Address::from(entry->ifa_addr);
    if (address.is_ip()) found.push_back(address);
  }
  ::freeifaddrs(list);
  return found;
}

bool same_host(const Address& a, const Address& b) {
  return a.family == b.family && a.ip == b.ip;
}

}  // namespace

std::string_view name(UdpGuard::Verdict verdict) {
  static constexpr std::array<std::string_view, UdpGuard::kVerdicts> kNames = {
      "allow",       "port_zero",     "own_listener", "service_port",
      "not_unicast", "amplification", "denied"};
  const auto index = static_cast<std::size_t>(verdict);
  POLYPORT_ASSERT(index < kNames.size());
  return kNames[index];
}

UdpGuard::UdpGuard(int sharers)
    : sharers_(std::max(sharers, 1)), interfaces_(interface_addresses()), buckets_(kBuckets) {}

void UdpGuard::add_own(const Address& local) {
  own_.insert(local);
  own_ports_.insert(local.port);
}

void UdpGuard::remove_own(const Address& local) {
  if (const auto it = own_.find(local); it != own_.end()) own_.erase(it);
  if (const auto it = own_ports_.find(local.port); it != own_ports_.end()) own_ports_.erase(it);
}

bool UdpGuard::is_local(const Address& peer, const Address& local) const {
  return peer.is_loopback() || same_host(peer, local) ||
         std::any_of(interfaces_.begin(), interfaces_.end(),
                     [&](const Address& ours) { return same_host(ours, peer); });
}

UdpGuard::Verdict UdpGuard::check_peer(const Address& peer, const Address& local,
                                       bool loop_free) const {
  if (!peer.is_ip()) return Verdict::kAllow;
  if (peer.port == 0) return Verdict::kPortZero;
  if (peer.is_multicast() || peer.is_broadcast() || peer.is_any() || local.is_multicast() ||
      local.is_broadcast()) {
    return Verdict::kNoUnicast;
  }
  if (own_.contains(peer)) return Verdict::kOwnListener;
  if (own_ports_.contains(peer.port) && is_local(peer, local)) return Verdict::kOwnListener;
  if (!loop_free && std::find(kResponderPorts.begin(), kResponderPorts.end(), peer.port) !=
                        kResponderPorts.end()) {
    return Verdict::kServicePort;
  }
  return Verdict::kAllow;
}

bool UdpGuard::Bucket::take(double rate, double burst, std::uint64_t now_ms) {
  if (filled_ms == 0) tokens = burst;
  if (now_ms > filled_ms) {
    tokens = std::min(burst, tokens + static_cast<double>(now_ms - filled_ms) * rate / 1000);
  }
  filled_ms = now_ms;
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

UdpGuard::Verdict UdpGuard::check_reply(const Address& peer, std::size_t request_bytes,
                                        std::size_t reply_bytes, Amplification policy,
                                        std::uint64_t now_ms) {
  if (reply_bytes <= request_bytes || policy == Amplification::kAllow || peer.is_loopback()) {
    return Verdict::kAllow;
  }
  if (policy == Amplification::kRefuse) return Verdict::kAmplification;
  std::size_t hash = 1469598103934665603u;
  for (const std::uint8_t byte : peer.ip)
    hash = (hash ^ byte) * 1099511628211u;
  Bucket& source = buckets_[hash % kBuckets];
  // The source pays first: one that is over its own allowance takes nothing from the others.
  const double of_source = kPerSource / sharers_;
  const double of_all = kInAll / sharers_;
  if (!source.take(of_source, std::max(1.0, of_source), now_ms) ||
      !all_.take(of_all, std::max(1.0, of_all), now_ms)) {
    return Verdict::kAmplification;
  }
  return Verdict::kAllow;
}

}  // namespace polyport
