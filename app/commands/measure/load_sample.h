// LoadSample: what GET /api/v1/load of a server says at one moment, and what lies between two.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/histogram.h"
#include "core/base/result.h"

namespace polyport::measure {

struct LoadSample {
  // Of a server with several workers: each of their loops.
  struct Loop {
    std::uint64_t busy_ns = 0;
    std::uint64_t cpu_ns = 0;
    std::uint64_t queued_ns = 0;
  };
  std::int64_t pid = 0;
  std::uint64_t now_ns = 0;
  // The loop's; of several their sums, and between two samples those of the busiest.
  std::uint64_t busy_ns = 0;
  std::uint64_t loop_cpu_ns = 0;
  std::uint64_t loop_queued_ns = 0;
  std::vector<Loop> loops;
  Histogram long_turns;
  Histogram answers;
  std::uint64_t answers_one_of = 0;
  // Sums over the services, without health and admin.
  std::uint64_t requests = 0;
  std::uint64_t accepted = 0;                                 // connections
  std::map<std::string, std::uint64_t, std::less<>> refused;  // connections, by reason
  std::uint64_t resets = 0;
  std::uint64_t datagrams = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t descriptor_bursts = 0;
  // Of the kernel.
  std::uint64_t listen_overflows = 0;
  std::uint64_t listen_drops = 0;
  std::uint64_t segments = 0;
  std::uint64_t segments_again = 0;
  // Of some that are open, by name: how often something had to be sent again so far.
  std::map<std::string, std::uint64_t, std::less<>> sent_again;
  bool sent_again_all = false;  // there are no others
  // The listener whose accept queue is fullest now, by its share of the limit.
  std::string fullest;
  std::uint64_t queue = 0;
  std::uint64_t queue_limit = 0;

  std::uint64_t refused_in_all() const;
  // Of these: because the server was full, and not because of who the client was.
  std::uint64_t refused_when_full() const;

  // Whatever somebody else's JSON says: a number that is missing or below zero is 0.
  static Result<LoadSample> parse(Bytes json);
  // What has happened since `earlier`; fails where that is of another process.
  Result<LoadSample> since(const LoadSample& earlier) const;
};

}  // namespace polyport::measure
