// time (RFC 868): four bytes, the seconds since 1900 in network order, then the end; over UDP one
// datagram of four bytes.
//
// What the peer says is dropped. The count is 32 bits wide and starts again at 0 on 2036-02-07
// 06:28:16 UTC, as the protocol has it.
#include <array>
#include <chrono>

#include "core/service.h"

namespace polyport::services::time {

// What goes over the wire for one moment.
std::array<char, 4> seconds_since_1900(std::chrono::system_clock::time_point now) {
  constexpr std::int64_t kUnixEpoch = 2'208'988'800;  // 1970-01-01 in seconds since 1900
  const auto unix = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  const auto seconds = static_cast<std::uint32_t>(unix + kUnixEpoch);
  return {static_cast<char>(seconds >> 24), static_cast<char>(seconds >> 16),
          static_cast<char>(seconds >> 8), static_cast<char>(seconds)};
}

namespace {

class Time final : public Service {
 public:
  void on_open(Connection& connection) override {
    const auto seconds = seconds_since_1900(std::chrono::system_clock::now());
    connection.send(Bytes(seconds.data(), seconds.size()));
    connection.finish();
  }
  void on_datagram(Datagram& datagram) override {
    const auto seconds = seconds_since_1900(std::chrono::system_clock::now());
    datagram.reply(Bytes(seconds.data(), seconds.size()));
  }
};

}  // namespace

extern const ServiceType service_type = {
    .name = "time",
    .summary = "the seconds since 1900 as four bytes (RFC 868)",
    .default_port = 10037,
    .doors = kEveryTransport,
    .try_it = "polyport connect --hex {host}:{port}",
    .answers_any_byte = true,
    .create = make_service<Time>,
};

}  // namespace polyport::services::time
