// Upstreams: whom a forward service passes its clients on to, and who of them comes next.
//
// Round robin over those that answer; one that failed is passed over for a while, and asked again
// before a client is turned away. Knows nothing of sockets: whoever uses an upstream says how it
// went.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/service.h"

namespace polyport::services::forward {

struct Upstream {
  std::string id;     // "db.upstream.0"
  Endpoint endpoint;  // with one port
  std::string where;  // of it in the configuration
  // What the endpoint stands for now; empty where its name has no answer yet.
  std::vector<DialTarget> targets;
  std::string error;  // what is wrong with it, in words that name it; empty where nothing is
  UpstreamStatus::State state = UpstreamStatus::State::kUntried;
  std::uint64_t skip_until_ms = 0;

  std::string text() const { return endpoint.text(); }
  // "127.0.0.1:9: Connection refused", "db.example (192.0.2.1:9: Connection refused)"
  std::string told(const DialFailure& failure) const;
  UpstreamStatus status() const;  // without its counters
};

class Upstreams {
 public:
  explicit Upstreams(std::chrono::milliseconds fail_timeout) : fail_timeout_(fail_timeout) {}

  void add(Upstream upstream) { all_.push_back(std::move(upstream)); }

  bool empty() const { return all_.empty(); }
  std::size_t size() const { return all_.size(); }
  Upstream& operator[](std::size_t index) { return all_[index]; }
  const Upstream& operator[](std::size_t index) const { return all_[index]; }

  // For the next client: in which order to try them, the last one first to be tried. Those that
  // are passed over come behind all others, whoever failed longest ago before the rest.
  std::vector<std::uint16_t> next_order(std::uint64_t now_ms);

  // True where that is news.
  bool failed(std::size_t index, std::string error, std::uint64_t now_ms);
  bool answered(std::size_t index);

  // "127.0.0.1:9: Connection refused; …" where all of them fail, else empty.
  std::string trouble() const;

 private:
  std::chrono::milliseconds fail_timeout_;
  std::vector<Upstream> all_;
  std::size_t next_ = 0;
};

// By reason, those that have happened.
template <class Reason, std::size_t kSize>
UpstreamStatus::Counts counts(const std::array<std::uint64_t, kSize>& all) {
  UpstreamStatus::Counts happened;
  for (std::size_t i = 0; i < kSize; ++i) {
    if (all[i] > 0) happened.emplace_back(name(static_cast<Reason>(i)), all[i]);
  }
  return happened;
}

// Says in the status that none of them answers, where that is so.
void add_trouble(const Upstreams& upstreams, ServiceStatus& status);

}  // namespace polyport::services::forward
