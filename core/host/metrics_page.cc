#include "core/host/metrics_page.h"

#include <map>

#include "core/observe/prometheus.h"

namespace polyport {

namespace {

using Kind = PrometheusWriter::Kind;

template <class Visit>
void for_each_listener(const MetricsPage& page, bool udp, Visit visit) {
  for (const ServiceStatus& service : page.services) {
    for (const ListenerStatus& listener : service.listeners) {
      if ((listener.transport == Transport::kUdp) == udp) visit(service, listener);
    }
  }
}

void write_connections(const MetricsPage& page, PrometheusWriter& writer) {
  writer.begin("polyport_connections_accepted_total", Kind::kCounter, "Connections accepted");
  for_each_listener(page, false, [&](const ServiceStatus& service, const ListenerStatus& row) {
    writer.sample({{"service", service.name}, {"listener", row.id}}, row.accepted);
  });
  writer.begin("polyport_connections_open", Kind::kGauge, "Connections open now");
  for_each_listener(page, false, [&](const ServiceStatus& service, const ListenerStatus& row) {
    writer.sample({{"service", service.name}, {"listener", row.id}}, row.active);
  });
  writer.begin("polyport_connections_refused_total", Kind::kCounter,
               "Connections refused, and times accepting had to wait, by reason");
  for_each_listener(page, false, [&](const ServiceStatus& service, const ListenerStatus& row) {
    for (const auto& [reason, count] : row.refused) {
      writer.sample({{"service", service.name}, {"listener", row.id}, {"reason", reason}}, count);
    }
  });
  writer.begin("polyport_wrong_protocol_total", Kind::kCounter,
               "Connections that spoke another protocol than the service, by what it was");
  for_each_listener(page, false, [&](const ServiceStatus& service, const ListenerStatus& row) {
    for (const auto& [protocol, count] : row.wrong_protocol) {
      writer.sample({{"service", service.name}, {"listener", row.id}, {"reason", protocol}}, count);
    }
  });
  // A service with several doors has one count a reason.
  std::map<std::pair<std::string_view, CloseReason>, std::uint64_t> closed;
  for (const auto& row : page.closed)
    closed[{row.service, row.reason}] += row.count;
  writer.begin("polyport_connections_closed_total", Kind::kCounter, "Connections ended, by reason");
  for (const auto& [key, count] : closed) {
    writer.sample({{"service", key.first}, {"reason", name(key.second)}}, count);
  }
}

void write_states(const MetricsPage& page, PrometheusWriter& writer) {
  const auto write = [&](std::string_view name_, Kind kind, std::string_view help, auto value) {
    writer.begin(name_, kind, help);
    for (const bool udp : {false, true}) {
      for_each_listener(page, udp, [&](const ServiceStatus& service, const ListenerStatus& row) {
        writer.sample({{"service", service.name}, {"listener", row.id}}, value(row));
      });
    }
  };
  using Count = std::uint64_t;
  write("polyport_listener_open", Kind::kGauge, "1 where the listener has its socket",
        [](const ListenerStatus& row) { return Count{row.is_open()}; });
  write("polyport_listener_retrying", Kind::kGauge, "1 while the listener waits for its port",
        [](const ListenerStatus& row) { return Count{row.state == ListenerState::kRetrying}; });
  write("polyport_listener_retries_total", Kind::kCounter,
        "Further tries to open a listener whose port could not be had",
        [](const ListenerStatus& row) { return row.retries; });
}

void write_bytes(const MetricsPage& page, PrometheusWriter& writer) {
  writer.begin("polyport_bytes_total", Kind::kCounter, "Payload bytes moved");
  for (const bool udp : {false, true}) {
    for_each_listener(page, udp, [&](const ServiceStatus& service, const ListenerStatus& row) {
      writer.sample({{"service", service.name}, {"listener", row.id}, {"direction", "in"}},
                    row.bytes_in);
      writer.sample({{"service", service.name}, {"listener", row.id}, {"direction", "out"}},
                    row.bytes_out);
    });
  }
}

void write_datagrams(const MetricsPage& page, PrometheusWriter& writer) {
  writer.begin("polyport_datagrams_total", Kind::kCounter, "UDP datagrams received and answered");
  for_each_listener(page, true, [&](const ServiceStatus& service, const ListenerStatus& row) {
    writer.sample({{"service", service.name}, {"listener", row.id}, {"direction", "in"}},
                  row.accepted);
    writer.sample({{"service", service.name}, {"listener", row.id}, {"direction", "out"}},
                  row.datagrams_out);
  });
  writer.begin("polyport_datagrams_refused_total", Kind::kCounter,
               "UDP datagrams not answered or lost, by reason");
  for_each_listener(page, true, [&](const ServiceStatus& service, const ListenerStatus& row) {
    for (const auto& [reason, count] : row.refused) {
      writer.sample({{"service", service.name}, {"listener", row.id}, {"reason", reason}}, count);
    }
  });
}

void write_requests(const MetricsPage& page, PrometheusWriter& writer) {
  writer.begin("polyport_http_requests_total", Kind::kCounter, "HTTP requests whose head was read");
  for (const ServiceStatus& service : page.services) {
    if (service.requests > 0) writer.sample({{"service", service.name}}, service.requests);
  }
}

// The upstreams of a service together: each by itself stands in the API.
struct UpstreamSums {
  std::uint64_t opened = 0, active = 0;
  std::uint64_t datagrams_in = 0, datagrams_out = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::map<std::string_view, std::uint64_t> failed, closed;
};

UpstreamSums sum(const ServiceStatus& service) {
  UpstreamSums sums;
  for (const UpstreamStatus& upstream : service.upstreams) {
    sums.opened += upstream.opened;
    sums.active += upstream.active;
    sums.datagrams_in += upstream.datagrams_in;
    sums.datagrams_out += upstream.datagrams_out;
    sums.bytes_in += upstream.bytes_in;
    sums.bytes_out += upstream.bytes_out;
    for (const auto& [reason, count] : upstream.failed)
      sums.failed[reason] += count;
    for (const auto& [reason, count] : upstream.closed)
      sums.closed[reason] += count;
  }
  return sums;
}

void write_upstreams(const MetricsPage& page, PrometheusWriter& writer) {
  std::vector<std::pair<std::string_view, UpstreamSums>> all;
  for (const ServiceStatus& service : page.services) {
    if (!service.upstreams.empty()) all.emplace_back(service.name, sum(service));
  }
  const auto each = [&](std::string_view name_, Kind kind, std::string_view help, auto write) {
    writer.begin(name_, kind, help);
    for (const auto& row : all)
      write(row.first, row.second);
  };
  each("polyport_upstream_connections_total", Kind::kCounter,
       "Connections opened to upstreams, and sessions of datagrams",
       [&](std::string_view service, const UpstreamSums& sums) {
         writer.sample({{"service", service}}, sums.opened);
       });
  each("polyport_upstream_connections_open", Kind::kGauge, "Of these, open now",
       [&](std::string_view service, const UpstreamSums& sums) {
         writer.sample({{"service", service}}, sums.active);
       });
  each("polyport_upstream_failed_total", Kind::kCounter,
       "Connections to upstreams that could not be opened, by reason",
       [&](std::string_view service, const UpstreamSums& sums) {
         for (const auto& [reason, count] : sums.failed)
           writer.sample({{"service", service}, {"reason", reason}}, count);
       });
  each("polyport_upstream_closed_total", Kind::kCounter,
       "Connections to upstreams that ended, by reason",
       [&](std::string_view service, const UpstreamSums& sums) {
         for (const auto& [reason, count] : sums.closed)
           writer.sample({{"service", service}, {"reason", reason}}, count);
       });
  each("polyport_upstream_bytes_total", Kind::kCounter, "Payload bytes moved, in: from upstreams",
       [&](std::string_view service, const UpstreamSums& sums) {
         writer.sample({{"service", service}, {"direction", "in"}}, sums.bytes_in);
         writer.sample({{"service", service}, {"direction", "out"}}, sums.bytes_out);
       });
  each("polyport_upstream_datagrams_total", Kind::kCounter, "Datagrams moved, in: from upstreams",
       [&](std::string_view service, const UpstreamSums& sums) {
         writer.sample({{"service", service}, {"direction", "in"}}, sums.datagrams_in);
         writer.sample({{"service", service}, {"direction", "out"}}, sums.datagrams_out);
       });
}

}  // namespace

void write_metrics_page(const MetricsPage& page, std::string& out) {
  PrometheusWriter writer(out);
  write_build_info(writer, page.version);
  write_states(page, writer);
  write_connections(page, writer);
  write_bytes(page, writer);
  write_datagrams(page, writer);
  write_upstreams(page, writer);
  writer.begin("polyport_log_dropped_total", Kind::kCounter, "Log lines lost to a full queue");
  writer.sample(page.log_dropped);
  writer.begin("polyport_loop_turns_total", Kind::kCounter, "Turns of the event loop");
  writer.sample(page.turns);
  writer.begin("polyport_loop_busy_seconds_total", Kind::kCounter,
               "Time the event loop has worked and not slept, an estimate");
  writer.sample_real({}, static_cast<double>(page.load.busy_ns) / 1e9);
  write_requests(page, writer);
  writer.begin("polyport_descriptor_bursts_total", Kind::kCounter,
               "Times accepting stopped for want of descriptors");
  writer.sample(page.descriptor_bursts);
  write_process_metrics(writer);
}

}  // namespace polyport
