#include "services/forward/names.h"

#include <algorithm>
#include <utility>

namespace polyport::services::forward {

using State = UpstreamStatus::State;

namespace {

constexpr std::uint64_t kDoubtAgainMs = 1'000;

std::string list_of(const std::vector<DialTarget>& targets) {
  std::string text;
  for (const DialTarget& target : targets)
    text += (text.empty() ? "" : ", ") + target.text();
  return text;
}

bool same_addresses(std::vector<DialTarget> a, std::vector<DialTarget> b) {
  const auto before = [](const DialTarget& x, const DialTarget& y) {
    return x.address < y.address;
  };
  std::sort(a.begin(), a.end(), before);
  std::sort(b.begin(), b.end(), before);
  return a == b;
}

}  // namespace

Result<void> Names::start(ServiceContext& context, std::chrono::milliseconds every,
                          OwnListeners own, std::function<void(std::size_t)> on_answer) {
  context_ = &context;
  own_ = std::move(own);
  on_answer_ = std::move(on_answer);
  questions_.assign(upstreams_.size(), {});
  bool any_name = false;
  for (std::size_t i = 0; i < upstreams_.size(); ++i) {
    if (is_name(upstreams_[i].endpoint.host)) {
      any_name = true;
      upstreams_[i].state = State::kResolving;
      ask(i);
    } else if (auto known = set_known(upstreams_[i]); !known) {
      return known;
    }
  }
  if (!any_name || every.count() == 0) return {};
  timer_.emplace(context.loop, [this] {
    for (std::size_t i = 0; i < upstreams_.size(); ++i) {
      if (is_name(upstreams_[i].endpoint.host)) ask(i);
    }
  });
  timer_->start_every(every);
  return {};
}

void Names::stop() {
  timer_.reset();
  for (Question& question : questions_) {
    if (question.id != 0) context_->network.resolver().cancel(std::exchange(question.id, 0));
  }
}

// Of an upstream that is no name.
Result<void> Names::set_known(Upstream& upstream) {
  if (upstream.endpoint.transport == Transport::kUnix) {
    upstream.targets = {{Address::any(Family::kUnix), upstream.endpoint.path}};
  } else {
    auto found = look_up(upstream.endpoint.host);
    if (!found) {
      found.error().where = upstream.where;
      return tl::unexpected(std::move(found.error()));
    }
    set_targets(upstream, *found);
  }
  for (const DialTarget& target : upstream.targets) {
    if (!own_.contain(upstream.endpoint.transport, target)) continue;
    return failure(ErrorCode::kConflict,
                   "upstream: " + upstream.text() +
                       " is a listener of this service, which would forward to itself for ever",
                   upstream.where, "write where the server behind it listens");
  }
  return {};
}

void Names::doubt(std::size_t index) {
  if (context_ == nullptr || !is_name(upstreams_[index].endpoint.host)) return;
  if (context_->loop.now_ms() - questions_[index].asked_ms >= kDoubtAgainMs) ask(index);
}

void Names::ask(std::size_t index) {
  Question& question = questions_[index];
  if (question.id != 0) return;
  question.asked_ms = context_->loop.now_ms();
  question.id = context_->network.resolver().ask(
      upstreams_[index].endpoint.host, [this, index](const Result<HostAddresses>& answer) {
        questions_[index].id = 0;
        take(index, answer);
        on_answer_(index);
      });
}

void Names::take(std::size_t index, const Result<HostAddresses>& answer) {
  Upstream& upstream = upstreams_[index];
  if (!answer) {
    take_failure(index, answer.error());
    return;
  }
  questions_[index].failing = false;
  const std::vector<DialTarget> before = upstream.targets;
  set_targets(upstream, *answer);
  const std::size_t found = upstream.targets.size();
  std::erase_if(upstream.targets, [&](const DialTarget& target) {
    return own_.contain(upstream.endpoint.transport, target);
  });
  if (same_addresses(before, upstream.targets) && !before.empty()) return;
  // Another address is another server: what the old one did does not count against it.
  upstream.skip_until_ms = 0;
  upstream.error.clear();
  upstream.state = State::kUntried;
  if (upstream.targets.empty()) {
    upstream.error = upstream.endpoint.host + " is a listener of this service itself";
    upstream.state = State::kFailed;
    tell(LogLevel::kError, "upstream_leads_back", upstream, upstream.error);
    return;
  }
  std::string message = upstream.endpoint.host + " is " + list_of(upstream.targets);
  if (!before.empty()) message += ", no longer " + list_of(before);
  if (upstream.targets.size() < found) message += "; this service's own listeners are left out";
  tell(LogLevel::kInfo, "upstream_name", upstream, message);
}

// The last answer stays good. Told once, however often it is asked in vain.
void Names::take_failure(std::size_t index, const Error& error) {
  Upstream& upstream = upstreams_[index];
  if (upstream.targets.empty()) {
    upstream.error = error.what;
    upstream.state = State::kFailed;
  }
  if (std::exchange(questions_[index].failing, true)) return;
  const std::string kept =
      upstream.targets.empty() ? "" : "; it stays " + list_of(upstream.targets);
  tell(LogLevel::kWarn, "upstream_name_failed", upstream, error.what + kept);
}

void Names::tell(LogLevel level, std::string_view event, const Upstream& upstream,
                 std::string_view message) {
  context_->log.write(
      level,
      {.event = event, .message = message, .service = context_->instance, .listener = upstream.id});
}

void Names::set_targets(Upstream& upstream, const HostAddresses& found) {
  upstream.targets.clear();
  for (Address address : found.addresses) {
    address.port = upstream.endpoint.first_port;
    upstream.targets.push_back({address, {}});
  }
}

}  // namespace polyport::services::forward
