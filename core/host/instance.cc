#include "core/host/instance.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/host/tls_plan.h"
#include "core/http/options.h"
#include "core/http/server.h"
#include "core/http/websocket_stage.h"
#include "core/socket/socket.h"

namespace polyport {

namespace {

// Of every connection of the service, those it opens itself too.
StreamPolicy policy_from(const OptionValues& values, QueueLedger& queued, MemoryLedger& memory) {
  StreamPolicy policy;
  policy.queued = &queued;
  if (memory.limit() != 0) policy.memory = &memory;
  policy.idle_timeout = values.duration("idle_timeout");
  policy.handshake_timeout = values.duration("handshake_timeout");
  policy.write_timeout = values.duration("write_timeout");
  policy.write_high = values.bytes("write_high");
  policy.write_low = std::min(values.bytes("write_low"), values.bytes("write_high"));
  policy.write_limit = std::max(values.bytes("write_limit"), values.bytes("write_high"));
  policy.slow_reader = values.text("slow_reader") == "disconnect"
                           ? StreamPolicy::SlowReader::kDisconnect
                           : StreamPolicy::SlowReader::kPause;
  const std::string& when_full = values.text("when_full");
  policy.when_full = when_full == "close_idle" ? StreamPolicy::WhenFull::kCloseIdle
                     : when_full == "refuse"   ? StreamPolicy::WhenFull::kRefuse
                                               : StreamPolicy::WhenFull::kWait;
  policy.accept_budget = static_cast<std::uint32_t>(values.integer("accept_budget"));
  policy.read_budget = values.bytes("read_budget");
  return policy;
}

StreamPolicy policy_of_door(const OptionValues& values, const ServiceType& type, const Door& door,
                            QueueLedger& queued, MemoryLedger& memory) {
  StreamPolicy policy = policy_from(values, queued, memory);
  policy.client_speaks_first = type.client_speaks_first || door.kind == Door::Kind::kHttp;
  policy.answers_any_byte = type.answers_any_byte;
  return policy;
}

UdpGuard::Amplification amplification_from(const OptionValues& values) {
  const std::string& policy = values.text("udp_amplification");
  if (policy == "allow") return UdpGuard::Amplification::kAllow;
  if (policy == "refuse") return UdpGuard::Amplification::kRefuse;
  return UdpGuard::Amplification::kLimit;
}

http::WebSocketTransport websocket_from(const ServicePlan& plan) {
  using Messages = http::WebSocketTransport::Messages;
  const std::string& messages = plan.values.text("websocket.messages");
  return {.service = plan.name,
          .origins = plan.values.texts("websocket.origins"),
          .messages = messages == "text"     ? Messages::kText
                      : messages == "binary" ? Messages::kBinary
                                             : Messages::kAsTheyCome,
          .first = plan.type->speaks_text ? http::MessageKind::kText : http::MessageKind::kBinary};
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
               static_cast<std::uint64_t>(plan_.values.integer("max_connections_per_address")),
           .per_second =
               static_cast<std::uint64_t>(plan_.values.integer("max_new_connections_per_second"))}),
      access_{Networks(plan_.values.networks("allow")), Networks(plan_.values.networks("deny"))},
      queued_{.limit = plan_.values.bytes("max_queued")},
      memory_(queued_, plan_.values.bytes("memory_limit")) {
  const OptionValues& values = plan_.values;
  if (!values.boolean("enabled")) {
    state_ = ServiceState::kDisabled;
    return;
  }
  closed_ = values.text("state") == "closed";
  accepts_ = values.text("accept") == "always";
  bind_settings_.backlog = static_cast<int>(values.integer("backlog"));
  // Who never accepts shows a backlog that fills up, also with clients that say nothing.
  if (plan_.type->client_speaks_first && accepts_) {
    const auto delay = std::chrono::ceil<std::chrono::seconds>(values.duration("defer_accept"));
    bind_settings_.defer_accept_seconds = static_cast<int>(delay.count());
  }
  if (on_conflict() == OnConflict::kShare) bind_settings_.sharing = Sharing::kAllow;
  service_ = plan_.type->create(values);
  POLYPORT_ASSERT(service_ != nullptr);
  if (wants_tls(plan_)) tickets_ = new_ticket_keys();
  make_doors(guard);
}

void Instance::make_doors(UdpGuard& guard) {
  const OptionValues& values = plan_.values;
  const AccessList* const access = access_.empty() ? nullptr : &access_;
  for (const Door& door : plan_.type->doors) {
    std::unique_ptr<StreamHandler> http;
    if (door.kind == Door::Kind::kHttp) {
      http::Handler* handler = service_->http_handler(door);
      POLYPORT_ASSERT(handler != nullptr);
      http = std::make_unique<http::Server>(*handler, http::options_from(values));
    }
    StreamHandler& handler = http ? *http : service_->stream_handler(door);
    doors_.push_back(std::unique_ptr<ServedDoor>(new ServedDoor{
        .door = door,
        .http = std::move(http),
        .websocket = nullptr,
        .stream = {.service = plan_.name,
                   .handler = handler,
                   .policy = policy_of_door(values, *plan_.type, door, queued_, memory_),
                   .admission = admission_,
                   .access = access,
                   .uses_reserve = plan_.type->internal,
                   .descriptors = plan_.type->dials ? 2u : 1u},
        .udp = {.service = plan_.name,
                .handler = *service_,
                .guard = guard,
                .access = access,
                .amplification = amplification_from(values),
                .loop_free = plan_.type->udp_loop_free}}));
  }
}

// --- the ports it wants --------------------------------------------------------------------------

void Instance::plan_ports(Families families, Errors& errors, std::vector<std::string>& notes) {
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
    const OptionValues::Value& value = plan_.values.value(door->door.option);
    for (std::size_t i = 0; i < value.endpoints.size(); ++i) {
      // A port that nobody wrote is the section's.
      const std::string& where = value.is_default ? plan_.where : value.places[i];
      plan_endpoint(*door, value.endpoints[i], where, families, errors, notes);
    }
  }
}

void Instance::plan_endpoint(ServedDoor& door, const Endpoint& endpoint, const std::string& where,
                             Families families, Errors& errors, std::vector<std::string>& notes) {
  const auto add_error = [&](Error error) {
    error.what = "service " + quoted(plan_.name) + ": " + error.what;
    error.where += error.where.empty() || where.empty() ? where : " (" + where + ")";
    errors.push_back(std::move(error));
  };
  const bool any_port = endpoint.transport != Transport::kUnix && endpoint.first_port == 0;
  if (closed_ && any_port) {
    return add_error({ErrorCode::kConflict,
                      "a closed service needs the number of a port: 0 stands for whichever is free",
                      endpoint.text(), "name the port that clients are to be refused on"});
  }
  auto resolved = resolve(endpoint, families);
  if (!resolved) return add_error(std::move(resolved.error()));
  for (std::string& note : resolved->notes) {
    if (std::find(notes.begin(), notes.end(), note) == notes.end())
      notes.push_back(std::move(note));
  }
  if (endpoint.transport == Transport::kUnix && !access_.empty()) {
    notes.push_back("service " + quoted(plan_.name) + ": allow and deny are about IP addresses: " +
                    endpoint.text() + " is open to whoever its mode lets in (unix_mode)");
  }
  for (BindGroup& group : resolved->groups)
    add_group(door, endpoint, where, std::move(group));
}

void Instance::use_websocket(ServedDoor& door) {
  if (door.websocket) return;
  door.websocket = std::make_unique<http::WebSocketStageMaker>(websocket_from(plan_));
}

void Instance::add_group(ServedDoor& door, const Endpoint& endpoint, const std::string& where,
                         BindGroup group) {
  std::size_t same_door = 0;
  for (const PortGroup& other : groups_) {
    if (&other.door == &door) same_door += other.ports.size();
  }
  if (has_websocket(endpoint.transport)) use_websocket(door);
  PortGroup added{.door = door,
                  .transport = endpoint.transport,
                  .configured = endpoint.text(),
                  .where = where,
                  .number = static_cast<std::uint32_t>(groups_.size()),
                  .ports = {}};
  for (BindTarget& target : group.targets) {
    Port port;
    port.id = plan_.name + "." + std::string(door.door.name) + "." + std::to_string(same_door++);
    port.target = std::move(target);
    added.ports.push_back(std::move(port));
  }
  groups_.push_back(std::move(added));
}

// --- its life ------------------------------------------------------------------------------------

void Instance::skip(std::string reason) {
  for (PortGroup& group : groups_)
    group.close();
  state_ = ServiceState::kSkipped;
  reason_ = std::move(reason);
}

Result<void> Instance::start(Loop& loop, Network& network, Log& log, HostView& host,
                             const HostOptions& options) {
  if (state_ != ServiceState::kStarting || closed_ || served_ == Served::kByOthers) return {};
  auto encrypted = start_tls(log, options.development_certificate);
  if (!encrypted) return encrypted;
  context_ = std::unique_ptr<ServiceContext>(
      new ServiceContext{plan_.name, loop, network, log, host,
                         policy_from(plan_.values, queued_, memory_), options.state_dir});
  auto started = service_->start(*context_);
  if (!started) {
    Error error = std::move(started.error());
    if (error.where.empty()) error.where = plan_.where;
    return tl::unexpected(std::move(error));
  }
  return {};
}

Result<void> Instance::start_tls(Log& log, const std::optional<TlsFiles>& development) {
  if (!wants_tls(plan_)) return {};
  Errors errors;
  const TlsSettings settings = tls_settings(plan_, development, errors);
  if (!errors.empty()) return tl::unexpected(std::move(errors.front()));
  auto context = TlsContext::load(settings, tickets_, plan_.name);
  if (!context) return tl::unexpected(std::move(context.error().front()));
  tls_ = std::make_unique<TlsDoor>(settings, std::move(*context), tickets_, log, plan_.name);
  return {};
}

void Instance::serve(Network& network) {
  if (state_ != ServiceState::kStarting) return;
  if (closed_) {
    state_ = ServiceState::kPaused;
    reason_ = "state = \"closed\": no socket is open, so the kernel refuses its clients";
    return;
  }
  bool any = false;
  for (PortGroup& group : groups_) {
    if (group.retrying) continue;
    serve_group(group, network);
    any = true;
  }
  state_ = any || groups_.empty() ? ServiceState::kLive : ServiceState::kRetrying;
}

void Instance::serve_late(PortGroup& group, Network& network) {
  group.retrying = false;
  serve_group(group, network);
  state_ = ServiceState::kLive;
}

// The lowest first.
StageMakers Instance::stages_of(const PortGroup& group) const {
  StageMakers stages;
  if (is_encrypted(group.transport)) stages.push_back(tls_.get());
  if (has_websocket(group.transport)) stages.push_back(group.door.websocket.get());
  return stages;
}

void Instance::serve_group(PortGroup& group, Network& network) {
  if (served_ == Served::kByOthers) return;
  for (Port& port : group.ports) {
    if (!port.socket) continue;  // another worker has it
    const int fd = port.socket->take_descriptor();
    if (port.target.transport == Transport::kUdp) {
      port.udp = &network.add_udp_socket(group.door.udp, fd, port.id);
      port.udp->start();
    } else {
      port.listener = &network.add_listener(group.door.stream, fd, port.id);
      port.listener->use_stages(stages_of(group));
      if (accepts_) port.listener->start();
    }
  }
}

void Instance::stop() {
  const bool started = state_ == ServiceState::kLive || state_ == ServiceState::kRetrying;
  if (started && served_ == Served::kHere) service_->stop();
  if (served_ == Served::kByOthers) {
    // Once these are closed only the workers have them, and take what is in their queues.
    for (PortGroup& group : groups_)
      group.close();
  }
  if (started || state_ == ServiceState::kPaused) state_ = ServiceState::kDraining;
}

}  // namespace polyport
