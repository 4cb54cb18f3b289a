#include "app/status_json.h"

#include "core/base/histogram_json.h"
#include "core/ports/explanation.h"
#include "core/ports/ranges.h"

namespace polyport {
namespace {

using Counts = std::vector<std::pair<std::string_view, std::uint64_t>>;

void write_counts(JsonWriter& json, std::string_view key, const Counts& counts) {
  json.key(key);
  json.begin_object();
  for (const auto& [word, count] : counts)
    json.field(word, count);
  json.end_object();
}

void write_listener(JsonWriter& json, const ListenerStatus& listener) {
  json.begin_object();
  json.field("id", listener.id);
  json.field("door", listener.door);
  json.field("transport", name(listener.transport));
  json.field("configured", listener.configured);
  json.field("where", listener.where);
  json.field("bound", listener.bound);
  json.field("group", listener.group);
  json.key("range");
  if (listener.address.is_ip()) {
    json.value(name(port_range(listener.address.port)));
  } else {
    json.value(nullptr);
  }
  json.field("state", name(listener.state));
  json.field("origin", name(listener.origin));
  json.field("accept", listener.accepts ? "always" : "never");
  json.field("backlog", listener.backlog);
  json.field("accept_queue", listener.accept_queue);
  json.field("accepted_total", listener.accepted);
  json.field("active", listener.active);
  write_counts(json, "refused_total", listener.refused);
  write_counts(json, "wrong_protocol_total", listener.wrong_protocol);
  json.field("bytes_in", listener.bytes_in);
  json.field("bytes_out", listener.bytes_out);
  json.field("retries_total", listener.retries);
  json.key("explanation");
  if (listener.explanation) {
    write_explanation(json, *listener.explanation);
  } else {
    json.value(nullptr);
  }
  json.end_object();
}

void write_limits(JsonWriter& json, const LimitStatus& limits) {
  json.field("connections", limits.connections);
  json.field("max_connections", limits.max_connections);
  json.field("queued_bytes", limits.queued_bytes);
  json.field("max_queued", limits.max_queued);
  json.field("memory_bytes", limits.memory_bytes);
  json.field("memory_limit", limits.memory_limit);
}

void write_upstream(JsonWriter& json, const UpstreamStatus& upstream) {
  json.begin_object();
  json.field("id", upstream.id);
  json.field("transport", name(upstream.transport));
  json.field("configured", upstream.configured);
  json.key("addresses");
  json.begin_array();
  for (const std::string& address : upstream.addresses)
    json.value(address);
  json.end_array();
  json.field("state", name(upstream.state));
  json.field("error", upstream.error);
  json.field("opened_total", upstream.opened);
  json.field("active", upstream.active);
  write_counts(json, "failed_total", upstream.failed);
  write_counts(json, "closed_total", upstream.closed);
  if (upstream.transport == Transport::kUdp) {
    json.field("datagrams_in", upstream.datagrams_in);
    json.field("datagrams_out", upstream.datagrams_out);
  }
  json.field("bytes_in", upstream.bytes_in);
  json.field("bytes_out", upstream.bytes_out);
  json.end_object();
}

}  // namespace

void write_process(JsonWriter& json, const ProcessStatus& process) {
  json.begin_object();
  write_limits(json, process.limits);
  json.field("descriptors_for_connections", process.descriptors_for_connections);
  json.end_object();
}

void write_services(JsonWriter& json, std::span<const ServiceStatus> services) {
  json.begin_array();
  for (const ServiceStatus& service : services) {
    json.begin_object();
    json.field("name", service.name);
    json.field("type", service.type);
    json.field("state", name(service.state));
    json.field("reason", service.reason);
    json.key("limits");
    json.begin_object();
    write_limits(json, service.limits);
    json.end_object();
    write_counts(json, "closed_total", service.closed);
    json.key("listeners");
    json.begin_array();
    for (const ListenerStatus& listener : service.listeners)
      write_listener(json, listener);
    json.end_array();
    if (!service.upstreams.empty()) {
      json.key("upstreams");
      json.begin_array();
      for (const UpstreamStatus& upstream : service.upstreams)
        write_upstream(json, upstream);
      json.end_array();
    }
    json.end_object();
  }
  json.end_array();
}

void write_workers(JsonWriter& json, std::span<const WorkerStatus> workers) {
  if (workers.empty()) return;
  json.key("workers");
  json.begin_array();
  for (const WorkerStatus& worker : workers) {
    json.begin_object();
    json.field("worker", worker.number);
    json.field("state", name(worker.state));
    json.key("pid");
    if (worker.pid != 0) {
      json.value(worker.pid);
    } else {
      json.value(nullptr);
    }
    json.field("restarts_total", worker.restarts);
    json.field("last_end", worker.last_end);
    json.field("accepted_total", worker.accepted);
    json.field("active", worker.active);
    json.field("resident_bytes", worker.resident_bytes);
    json.end_object();
  }
  json.end_array();
}

namespace {

void write_service_load(JsonWriter& json, const ServiceStatus& service) {
  json.begin_object();
  json.field("name", service.name);
  json.field("type", service.type);
  json.field("internal", service.internal);
  json.field("requests_total", service.requests);
  write_counts(json, "closed_total", service.closed);
  json.key("listeners");
  json.begin_array();
  for (const ListenerStatus& listener : service.listeners) {
    json.begin_object();
    json.field("id", listener.id);
    json.field("transport", name(listener.transport));
    json.field("accepted_total", listener.accepted);
    write_counts(json, "refused_total", listener.refused);
    json.field("active", listener.active);
    json.field("accept_queue", listener.accept_queue);
    json.field("backlog", listener.backlog);
    json.field("bytes_in", listener.bytes_in);
    json.field("bytes_out", listener.bytes_out);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

}  // namespace

void write_load(JsonWriter& json, const LoadStatus& load, std::span<const ServiceStatus> services) {
  json.field("now_ns", load.now_ns);
  json.field("busy_ns", load.busy_ns);
  json.field("turns_total", load.turns);
  json.key("long_turns_ns");
  write_histogram(json, load.long_turns);
  json.field("answers_one_of", AnswerTimes::kOneOf);
  json.key("answers_ns");
  write_histogram(json, load.answers);
  json.field("loop_cpu_ns", load.cpu_ns);
  json.field("loop_queued_ns", load.queued_ns);
  if (!load.loops.empty()) {
    json.key("loops");
    json.begin_array();
    for (const LoadStatus::Loop& loop : load.loops) {
      json.begin_object();
      json.field("busy_ns", loop.busy_ns);
      json.field("loop_cpu_ns", loop.cpu_ns);
      json.field("loop_queued_ns", loop.queued_ns);
      json.end_object();
    }
    json.end_array();
  }
  json.field("descriptor_bursts_total", load.descriptor_bursts);
  json.field("open_connections", load.open_connections);
  json.key("connections_sent_again");
  json.begin_object();
  for (const auto& [connection, times] : load.looked_at)
    json.field(connection, times);
  json.end_object();
  json.field("connections_sent_again_all", load.looked_at_all);
  json.key("kernel");
  json.begin_object();
  json.field("listen_overflows_total", load.listen_overflows);
  json.field("listen_drops_total", load.listen_drops);
  json.field("segments_out_total", load.segments_out);
  json.field("segments_retransmitted_total", load.segments_again);
  json.field("somaxconn", load.most_backlog);
  json.end_object();
  json.key("services");
  json.begin_array();
  for (const ServiceStatus& service : services)
    write_service_load(json, service);
  json.end_array();
}

}  // namespace polyport
