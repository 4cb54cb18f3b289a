#include "services/sntp/packet.h"

#include <algorithm>

namespace polyport::services::sntp {
namespace {

constexpr std::uint64_t kUnixEpoch = 2'208'988'800;  // 1970-01-01 in seconds since 1900
constexpr int kPrecision = -20;                      // log2 of the clock's step in seconds: 1 us

enum Mode : unsigned { kSymmetricActive = 1, kSymmetricPassive = 2, kClient = 3, kServer = 4 };
enum Offset : std::size_t {
  kFlags = 0,
  kStratum = 1,
  kPoll = 2,
  kPrecisionAt = 3,
  kRootDispersion = 8,
  kReferenceId = 12,
  kReferenceTime = 16,
  kOriginate = 24,
  kReceive = 32,
  kTransmit = 40,
};
constexpr unsigned kNeverSynchronised = 3;  // leap indicator

void put(Packet& packet, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    packet[at + i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
  }
}

// 16.16 fixed point, as far as it reaches.
std::uint64_t short_format(std::chrono::microseconds span) {
  constexpr std::int64_t kMost = 0xffff'ffff;
  const std::int64_t fixed = span.count() * 65536 / 1'000'000;
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(fixed, 0, kMost));
}

}  // namespace

std::uint64_t ntp_timestamp(Moment moment) {
  const auto since_1970 = moment.time_since_epoch();
  const auto whole = std::chrono::floor<std::chrono::seconds>(since_1970);
  const auto nanoseconds = static_cast<std::uint64_t>((since_1970 - whole).count());
  const auto seconds = static_cast<std::uint64_t>(whole.count()) + kUnixEpoch;
  return (seconds << 32) | ((nanoseconds << 32) / 1'000'000'000);
}

std::optional<Request> Request::parse(Bytes datagram) {
  if (datagram.size() < kPacketBytes) return std::nullopt;
  const Request request(datagram);
  const unsigned version = request.byte(kFlags) >> 3 & 7u;
  const unsigned mode = request.byte(kFlags) & 7u;
  if (version < 1 || version > 4) return std::nullopt;
  if (mode != kClient && mode != kSymmetricActive) return std::nullopt;
  return request;
}

Packet Request::answer(const ClockState& clock, Moment received) const {
  Packet packet{};
  const unsigned version = byte(kFlags) >> 3 & 7u;
  const unsigned mode = (byte(kFlags) & 7u) == kClient ? kServer : kSymmetricPassive;
  const unsigned leap = clock.stratum == 0 ? kNeverSynchronised : 0;
  put(packet, kFlags, leap << 6 | version << 3 | mode, 1);
  put(packet, kStratum, static_cast<std::uint64_t>(clock.stratum), 1);
  packet[kPoll] = datagram_[kPoll];
  packet[kPrecisionAt] = static_cast<char>(kPrecision);
  clock.reference_id.copy(&packet[kReferenceId], 4);
  // Bit for bit: it may be random and only the client knows what it means.
  datagram_.copy(&packet[kOriginate], 8, kTransmit);
  if (clock.stratum == 0) return packet;
  put(packet, kRootDispersion, short_format(clock.dispersion), 4);
  put(packet, kReferenceTime, ntp_timestamp(received), 8);
  put(packet, kReceive, ntp_timestamp(received), 8);
  return packet;
}

void stamp_transmit(Packet& packet, Moment now) {
  if (packet[kStratum] != 0) put(packet, kTransmit, ntp_timestamp(now), 8);
}

}  // namespace polyport::services::sntp
