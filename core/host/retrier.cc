#include "core/host/retrier.h"

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

namespace polyport {

namespace {

constexpr std::chrono::milliseconds kFirstDelay{250};
constexpr std::chrono::milliseconds kLongestDelay{30'000};
constexpr std::uint64_t kExplanationLastsMs = 10'000;

// What is known of a failed attempt without looking around.
std::shared_ptr<const Explanation> plain_explanation(const BindAttempt& attempt) {
  Explanation plain;
  plain.attempt = attempt;
  plain.verdict = attempt.error == EADDRINUSE ? Verdict::kTaken : Verdict::kUnavailable;
  plain.rule = attempt.error == EADDRNOTAVAIL ? BindRule::kAddressNotLocal : BindRule::kNone;
  if (attempt.target.address.is_ip()) plain.range = port_range(attempt.target.address.port);
  plain.text = spoken(attempt.target) + ": " + std::string(name(attempt.step)) +
               " failed: " + std::strerror(attempt.error);
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

Retrier::Retrier(Loop& loop, Network& network, Log& log, Events& events, ExplainContext context)
    : loop_(loop),
      network_(network),
      log_(log),
      events_(events),
      look_around_(loop, std::move(context)),
      random_(std::random_device()()) {}

void Retrier::add(const Opener::Waiting& waiting) {
  // The callback must know its place in the list, which there is once the entry is.
  auto place = std::make_shared<Entries::iterator>();
  entries_.emplace_back(loop_, waiting, [this, place] { try_again(*place, "retry"); });
  *place = std::prev(entries_.end());
  Entry& entry = entries_.back();
  entry.explained_ms = loop_.now_ms();
  if (const auto& known = waiting.group->ports.front().explanation) entry.told = known->text;
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
  const int error = attempts.front().error;
  const bool changed = error != entry.waiting.error;
  if (changed) {
    entry.waiting.error = error;
    watch_addresses(error);
    // True at once, and all there will be where nobody can be asked.
    std::vector<std::shared_ptr<const Explanation>> plain;
    for (const BindAttempt& attempt : attempts)
      plain.push_back(plain_explanation(attempt));
    entry.waiting.group->set_explanations(plain);
  }
  if (changed || loop_.now_ms() - entry.explained_ms >= kExplanationLastsMs) {
    entry.unexplained = std::move(attempts);
    look_around();
  }
  entry.timer.start(entry.backoff.next(random()));
}

void Retrier::look_around() {
  if (look_around_.busy()) return;  // its answer comes back here
  std::vector<BindAttempt> attempts;
  for (Entry& entry : entries_) {
    entry.being_explained = !entry.unexplained.empty();
    attempts.insert(attempts.end(), entry.unexplained.begin(), entry.unexplained.end());
  }
  if (attempts.empty()) return;
  const bool asked = look_around_.ask(
      std::move(attempts), [this](std::vector<Explanation> found) { explained(std::move(found)); });
  for (Entry& entry : entries_) {
    if (!entry.being_explained) continue;
    entry.explained_ms = loop_.now_ms();
    entry.unexplained.clear();
    entry.being_explained = asked;
    if (!asked) tell(entry, {entry.waiting.group->ports.front().explanation});
  }
}

void Retrier::explained(std::vector<Explanation> explanations) {
  std::map<std::string, std::shared_ptr<const Explanation>> by_endpoint;
  for (Explanation& each : explanations) {
    auto explanation = std::make_shared<const Explanation>(std::move(each));
    by_endpoint.emplace(explanation->attempt.target.endpoint(), explanation);
  }
  for (Entry& entry : entries_) {
    if (!std::exchange(entry.being_explained, false)) continue;
    std::vector<std::shared_ptr<const Explanation>> own;
    for (const Port& port : entry.waiting.group->ports) {
      const auto found = by_endpoint.find(port.target.endpoint());
      if (found != by_endpoint.end() && found->second->attempt.error == entry.waiting.error) {
        own.push_back(found->second);
      }
    }
    if (!own.empty()) tell(entry, std::move(own));
  }
  look_around();
}

void Retrier::tell(Entry& entry, std::vector<std::shared_ptr<const Explanation>> explanations) {
  PortGroup& group = *entry.waiting.group;
  group.set_explanations(explanations);
  const std::string& text = explanations.front()->text;
  if (text == entry.told) return;
  entry.told = text;
  log_.warn({.event = "listener_retrying",
             .message = text,
             .service = group.service(),
             .listener = group.ports.front().id});
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
