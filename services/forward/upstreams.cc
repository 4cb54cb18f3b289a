#include "services/forward/upstreams.h"

#include <algorithm>
#include <utility>

namespace polyport::services::forward {

using State = UpstreamStatus::State;

std::vector<std::uint16_t> Upstreams::next_order(std::uint64_t now_ms) {
  std::vector<std::uint16_t> order;
  order.reserve(all_.size());
  for (std::size_t i = 0; i < all_.size(); ++i)
    order.push_back(static_cast<std::uint16_t>((next_ + i) % all_.size()));
  const auto skipped_until = [&](std::uint16_t index) {
    const std::uint64_t until = all_[index].skip_until_ms;
    return until > now_ms ? until : 0;
  };
  std::stable_sort(order.begin(), order.end(), [&](std::uint16_t a, std::uint16_t b) {
    return skipped_until(a) < skipped_until(b);
  });
  // Behind the one that is taken, so that the neighbour of a failed one does not get its share.
  if (!order.empty()) next_ = (order.front() + std::size_t{1}) % all_.size();
  std::reverse(order.begin(), order.end());
  return order;
}

std::string Upstream::told(const DialFailure& failure) const {
  if (!is_name(endpoint.host)) return failure.text();
  return endpoint.host + " (" + failure.text() + ")";
}

UpstreamStatus Upstream::status() const {
  UpstreamStatus row{.id = id,
                     .transport = endpoint.transport,
                     .configured = text(),
                     .state = state,
                     .error = error};
  for (const DialTarget& target : targets)
    row.addresses.push_back(target.text());
  return row;
}

bool Upstreams::failed(std::size_t index, std::string error, std::uint64_t now_ms) {
  Upstream& upstream = all_[index];
  upstream.error = std::move(error);
  upstream.skip_until_ms = now_ms + static_cast<std::uint64_t>(fail_timeout_.count());
  return std::exchange(upstream.state, State::kFailed) != State::kFailed;
}

bool Upstreams::answered(std::size_t index) {
  Upstream& upstream = all_[index];
  upstream.error.clear();
  upstream.skip_until_ms = 0;
  return std::exchange(upstream.state, State::kUp) == State::kFailed;
}

std::string Upstreams::trouble() const {
  std::string text;
  for (const Upstream& upstream : all_) {
    if (upstream.state != State::kFailed) return {};
    text += (text.empty() ? "" : "; ") + upstream.error;
  }
  return text;
}

void add_trouble(const Upstreams& upstreams, ServiceStatus& status) {
  const std::string trouble = upstreams.trouble();
  if (trouble.empty()) return;
  const bool udp = upstreams[0].endpoint.transport == Transport::kUdp;
  if (!status.reason.empty()) status.reason += "; ";
  status.reason += (udp ? "no UDP upstream answers: " : "no upstream answers: ") + trouble;
}

}  // namespace polyport::services::forward
