#include "core/host/metrics_page.h"

#include <map>

#include "core/observe/prometheus.h"

namespace polyport {

namespace {

using Kind = PrometheusWriter::Kind;

template <class Visit>
void for_each_listener(const HostReport& page, bool udp, Visit visit) {
  for (const ServiceStatus& service : page.services) {
    for (const ListenerStatus& listener : service.listeners) {
      if ((listener.transport == Transport::kUdp) == udp) visit(service, listener);
    }
  }
}

void write_connections(const HostReport& page, PrometheusWriter& writer) {
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
  writer.begin("polyport_connections_closed_total", Kind::kCounter, "Connections ended, by reason");
  for (const ServiceStatus& service : page.services) {
    for (const auto& [reason, count] : service.closed)
      writer.sample({{"service", service.name}, {"reason", reason}}, count);
  }
}

void write_limits(const HostReport& page, PrometheusWriter& writer) {
  writer.begin("polyport_queued_bytes", Kind::kGauge,
               "Bytes that clients have not taken yet, of each service");
  for (const ServiceStatus& service : page.services)
    writer.sample({{"service", service.name}}, service.limits.queued_bytes);
  const auto services = [&](std::string_view metric, std::string_view help, auto value) {
    writer.begin(metric, Kind::kGauge, help);
    for (const ServiceStatus& service : page.services) {
      if (value(service) > 0) writer.sample({{"service", service.name}}, value(service));
    }
  };
  services("polyport_service_max_connections", "max_connections of services that have it",
           [](const ServiceStatus& service) { return service.limits.max_connections; });
  services("polyport_service_max_queued_bytes", "max_queued of services that have it",
           [](const ServiceStatus& service) { return service.limits.max_queued; });
  services("polyport_service_memory_limit_bytes", "memory_limit of services that have it",
           [](const ServiceStatus& service) { return service.limits.memory_limit; });
  writer.begin("polyport_service_memory_bytes", Kind::kGauge,
               "What the connections of services with a memory_limit hold");
  for (const ServiceStatus& service : page.services) {
    if (service.limits.memory_limit > 0) {
      writer.sample({{"service", service.name}}, service.limits.memory_bytes);
    }
  }
  const auto process = [&](std::string_view metric, std::string_view help, std::uint64_t value) {
    writer.begin(metric, Kind::kGauge, help);
    writer.sample(value);
  };
  process("polyport_max_connections", "max_connections of the process; 0: no limit",
          page.process.limits.max_connections);
  process("polyport_max_queued_bytes", "max_queued of the process; 0: no limit",
          page.process.limits.max_queued);
  process("polyport_memory_limit_bytes", "memory_limit of the process; 0: no limit",
          page.process.limits.memory_limit);
  process("polyport_connection_descriptors", "Connections there are descriptors for; 0: not known",
          page.process.descriptors_for_connections);
}

void write_states(const HostReport& page, PrometheusWriter& writer) {
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

void write_bytes(const HostReport& page, PrometheusWriter& writer) {
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

void write_datagrams(const HostReport& page, PrometheusWriter& writer) {
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

void write_requests(const HostReport& page, PrometheusWriter& writer) {
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

void write_upstreams(const HostReport& page, PrometheusWriter& writer) {
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

void write_workers(std::span<const WorkerStatus> workers, PrometheusWriter& writer) {
  const auto write = [&](std::string_view name_, Kind kind, std::string_view help, auto value) {
    writer.begin(name_, kind, help);
    for (const WorkerStatus& worker : workers) {
      writer.sample({{"worker", std::to_string(worker.number)}}, value(worker));
    }
  };
  using Count = std::uint64_t;
  write("polyport_worker_up", Kind::kGauge, "1 while this worker process serves",
        [](const WorkerStatus& each) { return Count{each.state == WorkerStatus::State::kLive}; });
  write("polyport_worker_restarts_total", Kind::kCounter,
        "Times this worker was started again after its process had ended",
        [](const WorkerStatus& each) { return each.restarts; });
  write("polyport_worker_connections_accepted_total", Kind::kCounter,
        "Connections this worker has accepted, of all listeners",
        [](const WorkerStatus& each) { return each.accepted; });
  write("polyport_worker_connections_open", Kind::kGauge, "Connections open with this worker now",
        [](const WorkerStatus& each) { return each.active; });
  write("polyport_worker_loop_turns_total", Kind::kCounter, "Turns of this worker's event loop",
        [](const WorkerStatus& each) { return each.turns; });
  write("polyport_worker_resident_memory_bytes", Kind::kGauge, "Resident memory of this worker",
        [](const WorkerStatus& each) { return each.resident_bytes; });
}

}  // namespace

void write_metrics_page(const HostReport& report, std::span<const WorkerStatus> workers,
                        std::string_view version, std::string& out) {
  PrometheusWriter writer(out);
  write_build_info(writer, version);
  write_states(report, writer);
  write_connections(report, writer);
  write_limits(report, writer);
  write_bytes(report, writer);
  write_datagrams(report, writer);
  write_upstreams(report, writer);
  writer.begin("polyport_log_dropped_total", Kind::kCounter, "Log lines lost to a full queue");
  writer.sample(report.log_dropped);
  writer.begin("polyport_loop_turns_total", Kind::kCounter, "Turns of the event loop");
  writer.sample(report.load.turns);
  writer.begin("polyport_loop_busy_seconds_total", Kind::kCounter,
               "Time the event loop has worked and not slept, an estimate");
  writer.sample_real({}, static_cast<double>(report.load.busy_ns) / 1e9);
  write_requests(report, writer);
  writer.begin("polyport_descriptor_bursts_total", Kind::kCounter,
               "Times accepting stopped for want of descriptors");
  writer.sample(report.load.descriptor_bursts);
  if (!workers.empty()) write_workers(workers, writer);
  write_process_metrics(writer);
}

}  // namespace polyport
