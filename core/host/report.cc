#include "core/host/report.h"

#include <algorithm>
#include <array>

#include "core/base/histogram_json.h"
#include "core/base/json_value.h"
#include "core/base/json_writer.h"
#include "core/net/dialer.h"
#include "core/net/udp_socket.h"

namespace polyport {

namespace {

using Counts = std::vector<std::pair<std::string_view, std::uint64_t>>;

// The words of all counts by reason: what was read is told in these again, because whoever holds a
// count only borrows its word.
std::string_view known_word(std::string_view word) {
  static const std::vector<std::string_view> kWords = [] {
    std::vector<std::string_view> words = {UdpSocket::kSendFailed, UdpSocket::kKernelDropped};
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

// --- the figures of a row, once for writing, reading and adding ----------------------------------

constexpr std::pair<std::string_view, std::uint64_t ListenerStatus::*> kListenerFigures[] = {
    {"accepted", &ListenerStatus::accepted},           {"active", &ListenerStatus::active},
    {"datagrams_out", &ListenerStatus::datagrams_out}, {"bytes_in", &ListenerStatus::bytes_in},
    {"bytes_out", &ListenerStatus::bytes_out},
};
constexpr std::pair<std::string_view, Counts ListenerStatus::*> kListenerCounts[] = {
    {"refused", &ListenerStatus::refused},
    {"wrong", &ListenerStatus::wrong_protocol},
};

constexpr std::pair<std::string_view, std::uint64_t UpstreamStatus::*> kUpstreamFigures[] = {
    {"opened", &UpstreamStatus::opened},
    {"active", &UpstreamStatus::active},
    {"datagrams_in", &UpstreamStatus::datagrams_in},
    {"datagrams_out", &UpstreamStatus::datagrams_out},
    {"bytes_in", &UpstreamStatus::bytes_in},
    {"bytes_out", &UpstreamStatus::bytes_out},
};
constexpr std::pair<std::string_view, Counts UpstreamStatus::*> kUpstreamCounts[] = {
    {"failed", &UpstreamStatus::failed},
    {"closed", &UpstreamStatus::closed},
};

constexpr std::pair<std::string_view, std::uint64_t LoadStatus::*> kLoadFigures[] = {
    {"busy_ns", &LoadStatus::busy_ns},
    {"turns", &LoadStatus::turns},
    {"cpu_ns", &LoadStatus::cpu_ns},
    {"queued_ns", &LoadStatus::queued_ns},
    {"descriptor_bursts", &LoadStatus::descriptor_bursts},
    {"open_connections", &LoadStatus::open_connections},
};
constexpr std::pair<std::string_view, Histogram LoadStatus::*> kLoadHistograms[] = {
    {"long_turns", &LoadStatus::long_turns},
    {"answers", &LoadStatus::answers},
};

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

void write_load(JsonWriter& json, const LoadStatus& load) {
  json.key("load");
  json.begin_object();
  for (const auto& [key, figure] : kLoadFigures)
    write_count(json, key, load.*figure);
  json.key("looked_at");
  json.begin_object();
  for (const auto& [connection, times] : load.looked_at)
    json.field(connection, times);
  json.end_object();
  json.field("looked_at_all", load.looked_at_all);
  for (const auto& [key, histogram] : kLoadHistograms) {
    json.key(key);
    write_histogram(json, load.*histogram);
  }
  json.end_object();
}

void write_listener(JsonWriter& json, const ListenerStatus& row) {
  json.begin_object();
  json.field("id", row.id);
  for (const auto& [key, figure] : kListenerFigures)
    write_count(json, key, row.*figure);
  for (const auto& [key, counts] : kListenerCounts)
    write_counts(json, key, row.*counts);
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
  for (const auto& [key, figure] : kUpstreamFigures)
    write_count(json, key, row.*figure);
  for (const auto& [key, counts] : kUpstreamCounts)
    write_counts(json, key, row.*counts);
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

LoadStatus read_load(const JsonValue& json) {
  LoadStatus load;
  const JsonValue* const object = json.find("load");
  if (object == nullptr) return load;
  for (const auto& [key, figure] : kLoadFigures)
    load.*figure = count_in(*object, key);
  for (const JsonValue& each : items_in(*object, "looked_at")) {
    const auto times = each.integer();
    if (!times || *times < 0) continue;
    load.looked_at.emplace_back(each.key(), static_cast<std::uint64_t>(*times));
  }
  const JsonValue* const all = object->find("looked_at_all");
  load.looked_at_all = all != nullptr && all->is_true();
  for (const auto& [key, histogram] : kLoadHistograms)
    load.*histogram = read_histogram(object->find(key));
  return load;
}

ListenerStatus read_listener(const JsonValue& json) {
  ListenerStatus row;
  row.id = json.text_of("id");
  for (const auto& [key, figure] : kListenerFigures)
    row.*figure = count_in(json, key);
  for (const auto& [key, counts] : kListenerCounts)
    row.*counts = counts_in(json, key);
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
  for (const auto& [key, figure] : kUpstreamFigures)
    row.*figure = count_in(json, key);
  for (const auto& [key, counts] : kUpstreamCounts)
    row.*counts = counts_in(json, key);
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
  for (const auto& [key, figure] : kListenerFigures)
    sum.*figure += part.*figure;
  for (const auto& [key, counts] : kListenerCounts)
    add_counts(sum.*counts, part.*counts);
}

void add_upstream(UpstreamStatus& sum, const UpstreamStatus& part) {
  using State = UpstreamStatus::State;
  for (const auto& [key, figure] : kUpstreamFigures)
    sum.*figure += part.*figure;
  for (const auto& [key, counts] : kUpstreamCounts)
    add_counts(sum.*counts, part.*counts);
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

void add_load(LoadStatus& sum, const LoadStatus& part) {
  for (const auto& [key, figure] : kLoadFigures)
    sum.*figure += part.*figure;
  sum.looked_at.insert(sum.looked_at.end(), part.looked_at.begin(), part.looked_at.end());
  sum.looked_at_all = sum.looked_at_all && part.looked_at_all;
  for (const auto& [key, histogram] : kLoadHistograms)
    (sum.*histogram).add(part.*histogram);
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
  json.field("accepted", report.accepted);
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
  report.accepted = count_in(*json, "accepted");
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
  sum.accepted += part.accepted;
}

void forget_open(HostReport& report) {
  report.process = {};
  report.load.open_connections = 0;
  report.load.looked_at.clear();
  report.load.looked_at_all = true;
  report.resident_bytes = 0;
  for (ServiceStatus& service : report.services) {
    service.reason.clear();
    service.limits = {};
    for (ListenerStatus& listener : service.listeners)
      listener.active = 0;
    for (UpstreamStatus& upstream : service.upstreams) {
      upstream.active = 0;
      upstream.state = UpstreamStatus::State::kUntried;
      upstream.error.clear();
    }
  }
}

}  // namespace polyport
