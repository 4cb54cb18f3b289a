#include "app/commands/measure/load_sample.h"

#include <algorithm>

#include "core/base/histogram_json.h"
#include "core/base/json_value.h"
#include "core/observe/close_reason.h"

namespace polyport::measure {
namespace {

std::uint64_t number(const JsonValue* value) {
  const auto integer = value == nullptr ? std::nullopt : value->integer();
  return integer && *integer > 0 ? static_cast<std::uint64_t>(*integer) : 0;
}

std::uint64_t number_of(const JsonValue& object, std::string_view key) {
  return number(object.find(key));
}

// Not among them: who may not come at all, and who has as many as one address may.
constexpr CloseReason kFull[] = {CloseReason::kLimitConnections, CloseReason::kLimitRate,
                                 CloseReason::kLimitMemory, CloseReason::kDescriptorLimit,
                                 CloseReason::kMadeRoom};

void add_refused(LoadSample& sample, const JsonValue& listener) {
  constexpr std::size_t kMostReasons = 64;
  const JsonValue* const counts = listener.find("refused_total");
  if (counts == nullptr) return;
  for (const JsonValue& count : counts->items()) {
    const std::uint64_t times = number(&count);
    if (times > 0 && sample.refused.size() < kMostReasons) {
      sample.refused[std::string(count.key())] += times;
    }
  }
}

void add_listener(LoadSample& sample, const JsonValue& listener, std::uint64_t somaxconn) {
  const bool udp = listener.text_of("transport") == "udp";
  (udp ? sample.datagrams : sample.accepted) += number_of(listener, "accepted_total");
  if (!udp) add_refused(sample, listener);
  sample.bytes_in += number_of(listener, "bytes_in");
  sample.bytes_out += number_of(listener, "bytes_out");
  std::uint64_t limit = number_of(listener, "backlog");
  if (somaxconn > 0) limit = std::min(limit, somaxconn);
  const std::uint64_t queue = number_of(listener, "accept_queue");
  if (udp || limit == 0) return;
  if (sample.queue_limit == 0 ||
      static_cast<double>(queue) / static_cast<double>(limit) >
          static_cast<double>(sample.queue) / static_cast<double>(sample.queue_limit)) {
    sample.fullest = std::string(listener.text_of("id"));
    sample.queue = queue;
    sample.queue_limit = limit;
  }
}

void add_connections(LoadSample& sample, const JsonValue& page) {
  constexpr std::size_t kMost = 64 * 1024;
  const JsonValue* const all = page.find("connections_sent_again_all");
  const JsonValue* const counts = page.find("connections_sent_again");
  if (counts == nullptr) return;
  sample.sent_again_all = all != nullptr && all->is_true() && counts->items().size() <= kMost;
  for (const JsonValue& times : counts->items()) {
    if (sample.sent_again.size() == kMost) return;
    sample.sent_again[std::string(times.key())] = number(&times);
  }
}

void add_service(LoadSample& sample, const JsonValue& service, std::uint64_t somaxconn) {
  if (const JsonValue* internal = service.find("internal"); internal && internal->is_true()) return;
  sample.requests += number_of(service, "requests_total");
  if (const JsonValue* closed = service.find("closed_total")) {
    sample.resets += number_of(*closed, "reset_by_peer");
  }
  if (const JsonValue* listeners = service.find("listeners")) {
    for (const JsonValue& listener : listeners->items())
      add_listener(sample, listener, somaxconn);
  }
}

// One that is at its limit is the limit of those who were dealt to it, whatever the others do.
void take_busiest(LoadSample& between, const std::vector<LoadSample::Loop>& earlier) {
  if (between.loops.empty() || between.loops.size() != earlier.size()) return;
  between.busy_ns = between.loop_cpu_ns = between.loop_queued_ns = 0;
  for (std::size_t i = 0; i < earlier.size(); ++i) {
    LoadSample::Loop& loop = between.loops[i];
    const auto take_away = [](std::uint64_t& counter, std::uint64_t before) {
      counter -= std::min(counter, before);
    };
    take_away(loop.busy_ns, earlier[i].busy_ns);
    take_away(loop.cpu_ns, earlier[i].cpu_ns);
    take_away(loop.queued_ns, earlier[i].queued_ns);
    if (loop.busy_ns < between.busy_ns) continue;
    between.busy_ns = loop.busy_ns;
    between.loop_cpu_ns = loop.cpu_ns;
    between.loop_queued_ns = loop.queued_ns;
  }
}

}  // namespace

Result<LoadSample> LoadSample::parse(Bytes json) {
  const auto page = JsonValue::parse(json);
  if (!page || number_of(*page, "now_ns") == 0) {
    return failure(ErrorCode::kSystem, "the answer is not that of polyport's admin page");
  }
  LoadSample sample;
  sample.pid = static_cast<std::int64_t>(number_of(*page, "pid"));
  sample.now_ns = number_of(*page, "now_ns");
  sample.busy_ns = number_of(*page, "busy_ns");
  sample.loop_cpu_ns = number_of(*page, "loop_cpu_ns");
  sample.loop_queued_ns = number_of(*page, "loop_queued_ns");
  if (const JsonValue* loops = page->find("loops")) {
    for (const JsonValue& loop : loops->items()) {
      sample.loops.push_back({number_of(loop, "busy_ns"), number_of(loop, "loop_cpu_ns"),
                              number_of(loop, "loop_queued_ns")});
    }
  }
  sample.long_turns = read_histogram(page->find("long_turns_ns"));
  sample.answers = read_histogram(page->find("answers_ns"));
  sample.answers_one_of = number_of(*page, "answers_one_of");
  sample.descriptor_bursts = number_of(*page, "descriptor_bursts_total");
  add_connections(sample, *page);
  std::uint64_t somaxconn = 0;
  if (const JsonValue* kernel = page->find("kernel")) {
    sample.listen_overflows = number_of(*kernel, "listen_overflows_total");
    sample.listen_drops = number_of(*kernel, "listen_drops_total");
    sample.segments = number_of(*kernel, "segments_out_total");
    sample.segments_again = number_of(*kernel, "segments_retransmitted_total");
    somaxconn = number_of(*kernel, "somaxconn");
  }
  if (const JsonValue* services = page->find("services")) {
    for (const JsonValue& service : services->items())
      add_service(sample, service, somaxconn);
  }
  return sample;
}

Result<LoadSample> LoadSample::since(const LoadSample& earlier) const {
  LoadSample between = *this;
  bool same = pid == earlier.pid && now_ns > earlier.now_ns;
  for (std::uint64_t LoadSample::*counter :
       {&LoadSample::now_ns, &LoadSample::busy_ns, &LoadSample::loop_cpu_ns,
        &LoadSample::loop_queued_ns, &LoadSample::requests, &LoadSample::accepted,
        &LoadSample::resets, &LoadSample::datagrams, &LoadSample::descriptor_bursts,
        &LoadSample::listen_overflows, &LoadSample::listen_drops, &LoadSample::segments,
        &LoadSample::segments_again, &LoadSample::bytes_in, &LoadSample::bytes_out}) {
    same = same && between.*counter >= earlier.*counter;
    between.*counter -= earlier.*counter;
  }
  for (const auto& [reason, times] : earlier.refused) {
    std::uint64_t& counter = between.refused[reason];
    same = same && counter >= times;
    counter -= times;
    if (counter == 0) between.refused.erase(reason);
  }
  same = same && between.long_turns.subtract(earlier.long_turns);
  same = same && between.answers.subtract(earlier.answers);
  take_busiest(between, earlier.loops);
  if (!same) {
    return failure(ErrorCode::kSystem, "the target is another process than at the beginning");
  }
  return between;
}

std::uint64_t LoadSample::refused_in_all() const {
  std::uint64_t all = 0;
  for (const auto& [reason, times] : refused)
    all += times;
  return all;
}

std::uint64_t LoadSample::refused_when_full() const {
  std::uint64_t all = 0;
  for (const CloseReason reason : kFull) {
    const auto found = refused.find(name(reason));
    if (found != refused.end()) all += found->second;
  }
  return all;
}

}  // namespace polyport::measure
