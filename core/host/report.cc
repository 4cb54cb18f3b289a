#include "core/host/report.h"

#include <algorithm>
#include <array>

#include "core/base/json_value.h"
#include "core/base/json_writer.h"
#include "core/net/dialer.h"
#include "core/net/udp_guard.h"

namespace polyport {

namespace {

using Counts = std::vector<std::pair<std::string_view, std::uint64_t>>;

// The words of all counts by reason: what was read is told in these again, because whoever holds a
// count only borrows its word.
std::string_view known_word(std::string_view word) {
  static const std::vector<std::string_view> kWords = [] {
    std::vector<std::string_view> words = {"send_failed", "kernel_dropped"};
    for (std::size_t i = 0; i < kCloseReasons; ++i)
      words.push_back(name(static_cast<CloseReason>(i)));
    for (std::size_t i = 0; i < UdpGuard::kVerdicts; ++i)
      words.push_back(name(static_cast<UdpGuard::Verdict>(i)));
    for (std::size_t i = 0; i < kProtocols; ++i)
      words.push_back(name(static_cast<Protocol>(i)));
    for (std::size_t i = 0; i < kDialErrors; ++i)
      words.push_back(name(static_cast<DialError>(i)));
    return words;
  }();
  const auto found = std::find(kWords.begin(), kWords.end(), word);
  return found == kWords.end() ? std::string_view() : *found;
}

// --- writing -------------------------------------------------------------------------------------

void write_counts(JsonWriter& json, std::string_view key, const Counts& counts) {
  if (counts.empty()) return;
  json.key(key);
  json.begin_object();
  for (const auto& [word, count] : counts)
    json.field(word, count);
  json.end_object();
}

void write_count(JsonWriter& json, std::string_view key, std::uint64_t count) {
  if (count != 0) json.field(key, count);
}

void write_histogram(JsonWriter& json, std::string_view key, const Histogram& histogram) {
  json.key(key);
  json.begin_array();
  histogram.for_each([&json](std::uint64_t highest, std::uint64_t count) {
    json.value(highest);
    json.value(count);
  });
  json.end_array();
}

void write_load(JsonWriter& json, const LoadStatus& load) {
  json.key("load");
  json.begin_object();
  json.field("busy_ns", load.busy_ns);
  json.field("cpu_ns", load.cpu_ns);
  json.field("queued_ns", load.queued_ns);
  json.field("seen", load.connections_seen);
  json.field("lossy", load.connections_lossy);
  write_histogram(json, "long_turns", load.long_turns);
  write_histogram(json, "answers", load.answers);
  json.end_object();
}

void write_listener(JsonWriter& json, const ListenerStatus& row) {
  json.begin_object();
  json.field("id", row.id);
  write_count(json, "accepted", row.accepted);
  write_count(json, "active", row.active);
  write_count(json, "datagrams_out", row.datagrams_out);
  write_count(json, "bytes_in", row.bytes_in);
  write_count(json, "bytes_out", row.bytes_out);
  write_counts(json, "refused", row.refused);
  write_counts(json, "wrong", row.wrong_protocol);
  json.end_object();
}

void write_upstream(JsonWriter& json, const UpstreamStatus& row) {
  json.begin_object();
  json.field("id", row.id);
  json.field("transport", static_cast<int>(row.transport));
  json.field("configured", row.configured);
  json.key("addresses");
  json.begin_array();
  for (const std::string& address : row.addresses)
    json.value(address);
  json.end_array();
  json.field("state", static_cast<int>(row.state));
  json.field("error", row.error);
  write_count(json, "opened", row.opened);
  write_count(json, "active", row.active);
  write_count(json, "datagrams_in", row.datagrams_in);
  write_count(json, "datagrams_out", row.datagrams_out);
  write_count(json, "bytes_in", row.bytes_in);
  write_count(json, "bytes_out", row.bytes_out);
  write_counts(json, "failed", row.failed);
  write_counts(json, "closed", row.closed);
  json.end_object();
}

// --- reading -------------------------------------------------------------------------------------

std::uint64_t count_in(const JsonValue& object, std::string_view key) {
  const JsonValue* const value = object.find(key);
  const auto number = value != nullptr ? value->integer() : std::nullopt;
  return number && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

Counts counts_in(const JsonValue& object, std::string_view key) {
  Counts counts;
  const JsonValue* const list = object.find(key);
  if (list == nullptr) return counts;
  for (const JsonValue& each : list->items()) {
    const std::string_view word = known_word(each.key());
    const auto number = each.integer();
    if (!word.empty() && number && *number > 0) {
      counts.emplace_back(word, static_cast<std::uint64_t>(*number));
    }
  }
  return counts;
}

const std::vector<JsonValue>& items_in(const JsonValue& object, std::string_view key) {
  static const std::vector<JsonValue> kNone;
  const JsonValue* const list = object.find(key);
  return list == nullptr ? kNone : list->items();
}

Histogram histogram_in(const JsonValue& object, std::string_view key) {
  Histogram histogram;
  const std::vector<JsonValue>& list = items_in(object, key);
  for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
    const auto highest = list[i].integer();
    const auto count = list[i + 1].integer();
    if (!highest || !count || *highest < 0 || *count < 0) continue;
    histogram.record(static_cast<std::uint64_t>(*highest), static_cast<std::uint64_t>(*count));
  }
  return histogram;
}

LoadStatus read_load(const JsonValue& json) {
  LoadStatus load;
  const JsonValue* const object = json.find("load");
  if (object == nullptr) return load;
  load.busy_ns = count_in(*object, "busy_ns");
  load.cpu_ns = count_in(*object, "cpu_ns");
  load.queued_ns = count_in(*object, "queued_ns");
  load.connections_seen = count_in(*object, "seen");
  load.connections_lossy = count_in(*object, "lossy");
  load.long_turns = histogram_in(*object, "long_turns");
  load.answers = histogram_in(*object, "answers");
  return load;
}

ListenerStatus read_listener(const JsonValue& json) {
  ListenerStatus row;
  row.id = json.text_of("id");
  row.accepted = count_in(json, "accepted");
  row.active = count_in(json, "active");
  row.datagrams_out = count_in(json, "datagrams_out");
  row.bytes_in = count_in(json, "bytes_in");
  row.bytes_out = count_in(json, "bytes_out");
  row.refused = counts_in(json, "refused");
  row.wrong_protocol = counts_in(json, "wrong");
  return row;
}

UpstreamStatus read_upstream(const JsonValue& json) {
  UpstreamStatus row;
  row.id = json.text_of("id");
  const std::uint64_t transport = count_in(json, "transport");
  if (transport < kAllTransports.size()) row.transport = static_cast<Transport>(transport);
  row.configured = json.text_of("configured");
  for (const JsonValue& address : items_in(json, "addresses"))
    row.addresses.emplace_back(address.text());
  row.state = static_cast<UpstreamStatus::State>(std::min<std::uint64_t>(
      count_in(json, "state"), static_cast<std::uint64_t>(UpstreamStatus::State::kFailed)));
  row.error = json.text_of("error");
  row.opened = count_in(json, "opened");
  row.active = count_in(json, "active");
  row.datagrams_in = count_in(json, "datagrams_in");
  row.datagrams_out = count_in(json, "datagrams_out");
  row.bytes_in = count_in(json, "bytes_in");
  row.bytes_out = count_in(json, "bytes_out");
  row.failed = counts_in(json, "failed");
  row.closed = counts_in(json, "closed");
  return row;
}

ServiceStatus read_service(const JsonValue& json) {
  ServiceStatus service;
  service.name = json.text_of("name");
  service.reason = json.text_of("reason");
  service.limits.connections = count_in(json, "connections");
  service.limits.queued_bytes = count_in(json, "queued_bytes");
  service.limits.memory_bytes = count_in(json, "memory_bytes");
  service.closed = counts_in(json, "closed");
  service.requests = count_in(json, "requests");
  for (const JsonValue& listener : items_in(json, "listeners"))
    service.listeners.push_back(read_listener(listener));
  for (const JsonValue& upstream : items_in(json, "upstreams"))
    service.upstreams.push_back(read_upstream(upstream));
  return service;
}

// --- adding --------------------------------------------------------------------------------------

void add_counts(Counts& sum, const Counts& part) {
  for (const auto& [word, count] : part) {
    const auto same = std::find_if(sum.begin(), sum.end(),
                                   [key = word](const auto& each) { return each.first == key; });
    if (same != sum.end()) {
      same->second += count;
    } else {
      sum.emplace_back(word, count);
    }
  }
}

void add_listener(ListenerStatus& sum, const ListenerStatus& part) {
  sum.accepted += part.accepted;
  sum.active += part.active;
  sum.datagrams_out += part.datagrams_out;
  sum.bytes_in += part.bytes_in;
  sum.bytes_out += part.bytes_out;
  add_counts(sum.refused, part.refused);
  add_counts(sum.wrong_protocol, part.wrong_protocol);
}

void add_upstream(UpstreamStatus& sum, const UpstreamStatus& part) {
  using State = UpstreamStatus::State;
  sum.opened += part.opened;
  sum.active += part.active;
  sum.datagrams_in += part.datagrams_in;
  sum.datagrams_out += part.datagrams_out;
  sum.bytes_in += part.bytes_in;
  sum.bytes_out += part.bytes_out;
  add_counts(sum.failed, part.failed);
  add_counts(sum.closed, part.closed);
  // What is wrong for one worker is worth knowing; else whoever has tried it knows best.
  const bool tells = part.state == State::kFailed ||
                     (sum.state != State::kFailed && part.state != State::kUntried);
  if (!tells) return;
  sum.state = part.state;
  sum.error = part.error;
  sum.addresses = part.addresses;
}

// The element of the same key, at the same place for a start: both lists are in one order.
template <class Row, class Key>
Row* find_same(std::vector<Row>& rows, std::size_t hint, Key key) {
  if (hint < rows.size() && key(rows[hint])) return &rows[hint];
  const auto found = std::find_if(rows.begin(), rows.end(), key);
  return found == rows.end() ? nullptr : &*found;
}

void add_used(LimitStatus& sum, const LimitStatus& part) {
  sum.connections += part.connections;
  sum.queued_bytes += part.queued_bytes;
  sum.memory_bytes += part.memory_bytes;
}

// What is of the machine, and not of a process, stays that of `sum`.
void add_load(LoadStatus& sum, const LoadStatus& part) {
  sum.busy_ns += part.busy_ns;
  sum.cpu_ns += part.cpu_ns;
  sum.queued_ns += part.queued_ns;
  sum.connections_seen += part.connections_seen;
  sum.connections_lossy += part.connections_lossy;
  sum.long_turns.add(part.long_turns);
  sum.answers.add(part.answers);
}

void add_service(ServiceStatus& sum, const ServiceStatus& part) {
  if (sum.reason.empty()) sum.reason = part.reason;
  add_used(sum.limits, part.limits);
  add_counts(sum.closed, part.closed);
  sum.requests += part.requests;
  for (std::size_t i = 0; i < part.listeners.size(); ++i) {
    const ListenerStatus& row = part.listeners[i];
    if (auto* const same =
            find_same(sum.listeners, i, [&row](const auto& each) { return each.id == row.id; })) {
      add_listener(*same, row);
    }
  }
  for (std::size_t i = 0; i < part.upstreams.size(); ++i) {
    const UpstreamStatus& row = part.upstreams[i];
    if (auto* const same =
            find_same(sum.upstreams, i, [&row](const auto& each) { return each.id == row.id; })) {
      add_upstream(*same, row);
    } else {
      sum.upstreams.push_back(row);
    }
  }
}

}  // namespace

std::string report_text(const HostReport& report) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.key("services");
  json.begin_array();
  for (const ServiceStatus& service : report.services) {
    json.begin_object();
    json.field("name", service.name);
    json.field("reason", service.reason);
    write_count(json, "connections", service.limits.connections);
    write_count(json, "queued_bytes", service.limits.queued_bytes);
    write_count(json, "memory_bytes", service.limits.memory_bytes);
    write_counts(json, "closed", service.closed);
    write_count(json, "requests", service.requests);
    json.key("listeners");
    json.begin_array();
    for (const ListenerStatus& listener : service.listeners)
      write_listener(json, listener);
    json.end_array();
    json.key("upstreams");
    json.begin_array();
    for (const UpstreamStatus& upstream : service.upstreams)
      write_upstream(json, upstream);
    json.end_array();
    json.end_object();
  }
  json.end_array();
  write_count(json, "connections", report.process.limits.connections);
  write_count(json, "queued_bytes", report.process.limits.queued_bytes);
  write_count(json, "descriptors", report.process.descriptors_for_connections);
  write_count(json, "memory_bytes", report.process.limits.memory_bytes);
  write_load(json, report.load);
  json.field("log_dropped", report.log_dropped);
  json.field("turns", report.turns);
  json.field("descriptor_bursts", report.descriptor_bursts);
  json.field("accepted", report.accepted);
  json.field("open_connections", report.open_connections);
  json.field("resident_bytes", report.resident_bytes);
  json.end_object();
  return text;
}

std::optional<HostReport> read_report(std::string_view text) {
  const auto json = JsonValue::parse(text);
  if (!json || json->find("services") == nullptr) return std::nullopt;
  HostReport report;
  for (const JsonValue& service : items_in(*json, "services"))
    report.services.push_back(read_service(service));
  report.process.limits.connections = count_in(*json, "connections");
  report.process.limits.queued_bytes = count_in(*json, "queued_bytes");
  report.process.descriptors_for_connections = count_in(*json, "descriptors");
  report.process.limits.memory_bytes = count_in(*json, "memory_bytes");
  report.load = read_load(*json);
  report.log_dropped = count_in(*json, "log_dropped");
  report.turns = count_in(*json, "turns");
  report.descriptor_bursts = count_in(*json, "descriptor_bursts");
  report.accepted = count_in(*json, "accepted");
  report.open_connections = count_in(*json, "open_connections");
  report.resident_bytes = count_in(*json, "resident_bytes");
  return report;
}

void add_report(HostReport& sum, const HostReport& part) {
  for (std::size_t i = 0; i < part.services.size(); ++i) {
    const ServiceStatus& service = part.services[i];
    if (auto* const same = find_same(
            sum.services, i, [&service](const auto& each) { return each.name == service.name; })) {
      add_service(*same, service);
    }
  }
  add_load(sum.load, part.load);
  add_used(sum.process.limits, part.process.limits);
  sum.process.descriptors_for_connections += part.process.descriptors_for_connections;
  sum.log_dropped += part.log_dropped;
  sum.turns += part.turns;
  sum.descriptor_bursts += part.descriptor_bursts;
  sum.accepted += part.accepted;
  sum.open_connections += part.open_connections;
  sum.resident_bytes += part.resident_bytes;
}

void forget_open(HostReport& report) {
  report.process = {};
  report.load.connections_seen = report.load.connections_lossy = 0;
  report.open_connections = 0;
  report.resident_bytes = 0;
  for (ServiceStatus& service : report.services) {
    service.reason.clear();
    service.limits = {};
    for (ListenerStatus& listener : service.listeners) {
      listener.active = 0;
      listener.accept_queue = 0;
    }
    for (UpstreamStatus& upstream : service.upstreams) {
      upstream.active = 0;
      upstream.state = UpstreamStatus::State::kUntried;
      upstream.error.clear();
    }
  }
}

}  // namespace polyport
