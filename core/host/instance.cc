#include "core/host/instance.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/http/options.h"
#include "core/http/server.h"
#include "core/ports/ranges.h"

namespace polyport {

namespace {

StreamPolicy policy_from(const OptionValues& values, bool client_speaks_first) {
  StreamPolicy policy;
  policy.idle_timeout = values.duration("idle_timeout");
  policy.write_timeout = values.duration("write_timeout");
  policy.write_high = values.bytes("write_high");
  policy.write_low = std::min(values.bytes("write_low"), values.bytes("write_high"));
  policy.write_limit = std::max(values.bytes("write_limit"), values.bytes("write_high"));
  policy.slow_reader = values.text("slow_reader") == "disconnect"
                           ? StreamPolicy::SlowReader::kDisconnect
                           : StreamPolicy::SlowReader::kPause;
  policy.accept_budget = static_cast<std::uint32_t>(values.integer("accept_budget"));
  policy.read_budget = values.bytes("read_budget");
  policy.client_speaks_first = client_speaks_first;
  return policy;
}

UdpGuard::Amplification amplification_from(const OptionValues& values) {
  const std::string& policy = values.text("udp_amplification");
  if (policy == "allow") return UdpGuard::Amplification::kAllow;
  if (policy == "refuse") return UdpGuard::Amplification::kRefuse;
  return UdpGuard::Amplification::kLimit;
}

std::optional<unsigned> parse_octal(std::string_view text) {
  unsigned mode = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, mode, 8);
  if (error != std::errc() || stop != end || mode > 0777) return std::nullopt;
  return mode;
}

}  // namespace

Instance::Instance(ServicePlan plan, UdpGuard& guard)
    : plan_(std::move(plan)),
      admission_(
          {.connections = static_cast<std::uint64_t>(plan_.values.integer("max_connections")),
           .per_address =
               static_cast<std::uint64_t>(plan_.values.integer("max_connections_per_address"))}) {
  const OptionValues& values = plan_.values;
  if (!values.boolean("enabled")) {
    state_ = ServiceState::kDisabled;
    return;
  }
  bind_settings_.backlog = static_cast<int>(values.integer("backlog"));
  if (plan_.type->client_speaks_first) {
    const auto delay = std::chrono::ceil<std::chrono::seconds>(values.duration("defer_accept"));
    bind_settings_.defer_accept_seconds = static_cast<int>(delay.count());
  }
  service_ = plan_.type->create(values);
  POLYPORT_ASSERT(service_ != nullptr);
  make_doors(guard);
}

void Instance::make_doors(UdpGuard& guard) {
  const OptionValues& values = plan_.values;
  for (const Door& door : plan_.type->doors) {
    std::unique_ptr<StreamHandler> http;
    if (door.kind == Door::Kind::kHttp) {
      http::Handler* handler = service_->http_handler(door);
      POLYPORT_ASSERT(handler != nullptr);
      http = std::make_unique<http::Server>(*handler, http::options_from(values));
    }
    StreamHandler& handler = http ? *http : service_->stream_handler(door);
    const bool client_first = plan_.type->client_speaks_first || door.kind == Door::Kind::kHttp;
    doors_.push_back(std::unique_ptr<OpenDoor>(
        new OpenDoor{.door = door,
                     .http = std::move(http),
                     .stream = {.service = plan_.name,
                                .handler = handler,
                                .policy = policy_from(values, client_first),
                                .admission = admission_,
                                .uses_reserve = plan_.type->internal,
                                .descriptors = plan_.type->dials ? 2u : 1u},
                     .udp = {.service = plan_.name,
                             .handler = *service_,
                             .guard = guard,
                             .amplification = amplification_from(values),
                             .loop_free = plan_.type->udp_loop_free}}));
  }
}

bool Instance::skips_conflicts() const {
  return plan_.values.text("on_conflict") == "skip";
}

void Instance::open_sockets(Families families, Errors& errors, std::vector<std::string>& notes) {
  if (state_ == ServiceState::kDisabled) return;
  const auto& mode = plan_.values.value("unix_mode");
  const auto octal = parse_octal(mode.text);
  if (!octal) {
    errors.push_back({ErrorCode::kBadValue, "unix_mode " + quoted(mode.text) + " is no octal mode",
                      mode.where, "write it as chmod takes it: \"0660\""});
    return;
  }
  bind_settings_.unix_mode = *octal;
  for (auto& door : doors_) {
    for (const Endpoint& endpoint : plan_.values.endpoints(door->door.option)) {
      open_endpoint(*door, endpoint, families, errors, notes);
    }
  }
}

void Instance::open_endpoint(OpenDoor& door, const Endpoint& endpoint, Families families,
                             Errors& errors, std::vector<std::string>& notes) {
  auto resolved = resolve(endpoint, families);
  const auto add_error = [&](Error error) {
    const std::string& place = plan_.values.value(door.door.option).where;
    error.what = "service " + quoted(plan_.name) + ": " + error.what;
    error.where += error.where.empty() || place.empty() ? place : " (" + place + ")";
    errors.push_back(std::move(error));
  };
  if (!resolved) return add_error(std::move(resolved.error()));
  for (std::string& note : resolved->notes) {
    if (std::find(notes.begin(), notes.end(), note) == notes.end())
      notes.push_back(std::move(note));
  }
  for (const BindGroup& group : resolved->groups) {
    const std::uint32_t number = groups_++;
    auto sockets = open_group(group, bind_settings_);
    if (!sockets) {
      add_error(std::move(sockets.error()));
      continue;
    }
    for (OpenSocket& socket : *sockets) {
      const auto same_door = std::count_if(ports_.begin(), ports_.end(),
                                           [&](const Port& port) { return &port.door == &door; });
      std::string id =
          plan_.name + "." + std::string(door.door.name) + "." + std::to_string(same_door);
      ports_.push_back(
          {door, std::move(id), endpoint.text(), number, std::move(socket), nullptr, nullptr});
    }
  }
}

void Instance::skip(std::string reason) {
  ports_.clear();
  state_ = ServiceState::kSkipped;
  reason_ = std::move(reason);
}

Result<void> Instance::start(Loop& loop, Network& network, Log& log, HostView& host) {
  if (state_ != ServiceState::kStarting) return {};
  context_ = std::unique_ptr<ServiceContext>(
      new ServiceContext{plan_.name, loop, network, log, host, policy_from(plan_.values, false)});
  auto started = service_->start(*context_);
  if (!started) {
    Error error = std::move(started.error());
    if (error.where.empty()) error.where = plan_.where;
    return tl::unexpected(std::move(error));
  }
  return {};
}

void Instance::serve(Network& network) {
  if (state_ != ServiceState::kStarting) return;
  for (Port& port : ports_) {
    const int fd = port.socket.take_descriptor();
    if (port.socket.target.transport == Transport::kUdp) {
      port.udp = &network.add_udp_socket(port.door.udp, fd, port.id);
      port.udp->start();
    } else {
      port.listener = &network.add_listener(port.door.stream, fd, port.id);
      port.listener->start();
    }
  }
  state_ = ServiceState::kLive;
}

void Instance::stop() {
  if (state_ != ServiceState::kLive) return;
  state_ = ServiceState::kDraining;
  service_->stop();
}

ServiceStatus Instance::status(const std::vector<Network::Totals>& totals) const {
  ServiceStatus status_;
  status_.name = plan_.name;
  status_.type = plan_.type->name;
  status_.summary = plan_.type->summary;
  status_.try_it = plan_.type->try_it;
  status_.internal = plan_.type->internal;
  status_.state = state_;
  status_.reason = reason_;
  for (const Port& port : ports_)
    status_.listeners.push_back(status(port, totals));
  if (context_) service_->report(status_, totals);
  return status_;
}

ListenerStatus Instance::status(const Port& port,
                                const std::vector<Network::Totals>& totals) const {
  ListenerStatus row;
  row.id = port.id;
  row.door = port.door.door.name;
  row.transport = port.socket.target.transport;
  row.configured = port.configured;
  row.bound = port.socket.target.text();
  row.address = port.socket.target.address;
  row.group = port.group;
  if (port.listener != nullptr) {
    const Listener& listener = *port.listener;
    const Network::Totals& moved = totals[listener.number()];
    row.backlog = bind_settings_.backlog;
    row.accept_queue = listener.accept_queue();
    row.accepted = listener.accepted();
    row.active = listener.active();
    row.bytes_in = moved.bytes_in;
    row.bytes_out = moved.bytes_out;
    for (std::size_t i = 0; i < kCloseReasons; ++i) {
      if (listener.refused()[i] == 0) continue;
      row.refused.emplace_back(name(static_cast<CloseReason>(i)), listener.refused()[i]);
    }
  } else if (port.udp != nullptr) {
    const UdpSocket::Counters& counters = port.udp->counters();
    row.accepted = counters.received;
    row.datagrams_out = counters.sent;
    row.bytes_in = counters.bytes_in;
    row.bytes_out = counters.bytes_out;
    for (std::size_t i = 1; i < UdpGuard::kVerdicts; ++i) {
      if (counters.refused[i] == 0) continue;
      row.refused.emplace_back(name(static_cast<UdpGuard::Verdict>(i)), counters.refused[i]);
    }
    if (counters.send_failed > 0) row.refused.emplace_back("send_failed", counters.send_failed);
    if (counters.kernel_dropped > 0) {
      row.refused.emplace_back("kernel_dropped", counters.kernel_dropped);
    }
  }
  return row;
}

}  // namespace polyport
