#include "core/host/retrier.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace polyport {

namespace {

constexpr std::chrono::milliseconds kFirstDelay{250};
constexpr std::chrono::milliseconds kLongestDelay{30'000};

// What is known of a failed attempt without looking around.
std::shared_ptr<const Explanation> plain_explanation(const BindAttempt& attempt) {
  Explanation plain;
  plain.attempt = attempt;
  plain.verdict = attempt.error == EADDRINUSE ? Verdict::kTaken : Verdict::kUnavailable;
  plain.rule = attempt.error == EADDRNOTAVAIL ? BindRule::kAddressNotLocal : BindRule::kNone;
  if (attempt.target.address.is_ip()) plain.range = port_range(attempt.target.address.port);
  plain.text = spoken(attempt.target) + ": " + std::string(name(attempt.step)) +
               " failed: " + std::strerror(attempt.error) +
               " (who is in the way was looked up "
               "at the start only)";
  return std::make_shared<const Explanation>(std::move(plain));
}

std::string opened_text(const PortGroup& group) {
  std::string text;
  for (const Port& port : group.ports)
    text += (text.empty() ? "" : ", ") + spoken(port.target);
  return text + " is open now, after " + std::to_string(group.retries) +
         (group.retries == 1 ? " more try" : " more tries");
}

}  // namespace

Retrier::Entry::Entry(Loop& loop, const Opener::Waiting& waiting_, std::function<void()> on_time)
    : waiting(waiting_), backoff(kFirstDelay, kLongestDelay), timer(loop, std::move(on_time)) {}

Retrier::Retrier(Loop& loop, Network& network, Log& log, Events& events)
    : loop_(loop), network_(network), log_(log), events_(events), random_(std::random_device()()) {}

void Retrier::add(const Opener::Waiting& waiting) {
  // The callback must know its place in the list, which there is once the entry is.
  auto place = std::make_shared<Entries::iterator>();
  entries_.emplace_back(loop_, waiting, [this, place] { try_again(*place, "retry"); });
  *place = std::prev(entries_.end());
  Entry& entry = entries_.back();
  entry.timer.start(entry.backoff.next(random()));
  watch_addresses(waiting.error);
}

void Retrier::watch_addresses(int error) {
  if (error != EADDRNOTAVAIL || std::exchange(watches_addresses_, true)) return;
  network_.watch_addresses([this] { try_addresses(); });
}

void Retrier::stop() {
  entries_.clear();
}

void Retrier::try_again(Entries::iterator entry, std::string_view why) {
  PortGroup& group = *entry->waiting.group;
  Instance& instance = *entry->waiting.instance;
  ++group.retries;
  std::vector<BindAttempt> attempts = group.open(instance.bind_settings());
  if (!attempts.empty()) return keep_waiting(*entry, std::move(attempts));
  entries_.erase(entry);
  go_live(group, instance, why);
}

void Retrier::try_addresses() {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto each = entry++;
    if (each->waiting.error != EADDRNOTAVAIL) continue;
    each->backoff.reset();
    try_again(each, "address_change");
  }
}

void Retrier::keep_waiting(Entry& entry, std::vector<BindAttempt> attempts) {
  PortGroup& group = *entry.waiting.group;
  const BindAttempt& first = attempts.front();
  if (first.error != entry.waiting.error) {
    entry.waiting.error = first.error;
    watch_addresses(first.error);
    std::vector<std::shared_ptr<const Explanation>> explanations;
    for (const BindAttempt& attempt : attempts)
      explanations.push_back(plain_explanation(attempt));
    group.set_explanations(explanations);
    log_.warn({.event = "listener_retrying",
               .message = explanations.front()->text,
               .service = group.service(),
               .listener = group.ports.front().id});
  }
  entry.timer.start(entry.backoff.next(random()));
}

void Retrier::go_live(PortGroup& group, Instance& instance, std::string_view why) {
  for (Port& port : group.ports)
    port.explanation = nullptr;
  instance.serve_late(group, network_);
  log_.info({.event = "listener_opened",
             .message = opened_text(group),
             .service = group.service(),
             .listener = group.ports.front().id,
             .reason = why});
  for (const Port& port : group.ports) {
    for (EventSink* const sink : events_.sinks())
      sink->on_listening({group.service(), port.id, port.target.text()});
  }
}

}  // namespace polyport
