// StreamPolicy: how the core treats the connections of one door; from the options every service
// has.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace polyport {

class MemoryLedger;
struct QueueLedger;

struct StreamPolicy {
  enum class SlowReader : std::uint8_t { kPause, kDisconnect };
  // What a client meets where its service, or the process, holds as many as it may.
  enum class WhenFull : std::uint8_t { kWait, kCloseIdle, kRefuse };

  std::chrono::milliseconds idle_timeout{0};        // 0: never
  std::chrono::milliseconds write_timeout{60'000};  // without progress on a blocked write; 0: never
  std::chrono::milliseconds handshake_timeout{10'000};  // until the stages of a connection are open
  std::size_t write_high = 256 * 1024;                  // queued bytes at which reading pauses
  std::size_t write_low = 64 * 1024;                    // and at which it goes on, with on_writable
  std::size_t write_limit = 1024 * 1024;                // queued bytes that end the connection
  SlowReader slow_reader = SlowReader::kPause;  // at write_high; kDisconnect never pauses reading
  WhenFull when_full = WhenFull::kWait;
  std::uint32_t accept_budget = 64;     // connections taken at one wake-up
  std::size_t read_budget = 64 * 1024;  // bytes read at one wake-up
  QueueLedger* queued = nullptr;        // of the service, which outlives its connections
  MemoryLedger* memory = nullptr;       // the same, where the service has a limit of it
  bool client_speaks_first = false;     // read at once after accept
  bool answers_any_byte = false;        // the first bytes of each are looked at for a hint
};

}  // namespace polyport
