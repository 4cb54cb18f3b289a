#include "app/configuration.h"

#include <unistd.h>

#include <algorithm>

#include "app/build_info.h"
#include "app/source.h"
#include "app/types.h"
#include "core/base/text.h"
#include "core/host/tls_plan.h"
#include "core/http/websocket_origin.h"
#include "core/net/x509.h"
#include "core/settings/settings.h"

namespace polyport {
namespace {

constexpr int kFirstShifted = 1024;  // below it a number is a promise to clients
constexpr int kLastPort = 65535;

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    all.emplace_back(*entry);
  }
  return all;
}

std::vector<Override> all_overrides(const ConfigurationOptions& options, Errors& usage) {
  std::vector<Override> overrides = overrides_from_environment(environment());
  for (const std::string& argument : options.set) {
    auto parsed = parse_override(argument);
    if (parsed) {
      overrides.push_back(std::move(*parsed));
    } else {
      usage.push_back(std::move(parsed.error()));
    }
  }
  return overrides;
}

LogLevel log_level(std::string_view word) {
  constexpr std::string_view kWords[] = {"trace", "debug", "info", "warn", "error", "off"};
  const auto found = std::find(std::begin(kWords), std::end(kWords), word);
  return static_cast<LogLevel>(found - std::begin(kWords));
}

// Services on the command line have no lines to point at; their places are the arguments.
void name_places(const Source& source, LoadResult& loaded) {
  if (source.arguments.empty()) return;
  for (Errors* const found : {&loaded.errors, &loaded.warnings}) {
    for (Error& error : *found)
      error.where = source.named_place(error.where);
  }
  for (ServiceSettings& service : loaded.settings.services) {
    service.where = source.named_place(service.where);
    const auto all = service.values.all();  // a copy: the values are replaced on the way
    for (const auto& [option, value] : all) {
      OptionValues::Value named = value;
      named.where = source.named_place(value.where);
      for (std::string& place : named.places)
        place = source.named_place(place);
      service.values.set(option, std::move(named));
    }
  }
}

// Leaves the services that --only names; health and admin are not services and stay.
void keep_only(const std::vector<std::string>& only, Settings& settings, Errors& errors) {
  if (only.empty()) return;
  std::vector<std::string_view> names;
  for (const ServiceSettings& service : settings.services)
    names.push_back(service.name);
  for (const std::string& wanted : only) {
    if (std::find(names.begin(), names.end(), wanted) != names.end()) continue;
    errors.push_back({ErrorCode::kUnknownKey, "no service is called " + quoted(wanted), "--only",
                      did_you_mean(wanted, names)});
  }
  std::erase_if(settings.services, [&only](const ServiceSettings& service) {
    return std::find(only.begin(), only.end(), service.name) == only.end();
  });
}

// Where a service listens moves; where it connects to stays.
bool is_door(const ServiceSettings& service, std::string_view option) {
  const ServiceType* const type = find_type(service.type);
  return std::any_of(type->doors.begin(), type->doors.end(),
                     [option](const Door& door) { return door.option == option; });
}

void shift_ports(int offset, ServiceSettings& service, Errors& errors) {
  if (offset == 0) return;
  const auto all = service.values.all();  // a copy: the values are replaced on the way
  for (const auto& [option, value] : all) {
    if (value.type != OptionType::kEndpoints || !is_door(service, option)) continue;
    OptionValues::Value moved = value;
    for (Endpoint& endpoint : moved.endpoints) {
      auto result = shifted(endpoint, offset);
      if (result) {
        endpoint = std::move(*result);
      } else {
        result.error().where = service.name + "." + option;
        errors.push_back(std::move(result.error()));
      }
    }
    service.values.set(option, std::move(moved));
  }
}

HostOptions host_options(const OptionValues& server) {
  return {.server_name = server.text("name"),
          .version = std::string(version()),
          .shutdown_grace = server.duration("shutdown_grace"),
          .max_connections = static_cast<std::uint64_t>(server.integer("max_connections")),
          .reserve_descriptors = static_cast<std::uint64_t>(server.integer("reserve_descriptors"))};
}

Log::Options log_options(const OptionValues& server) {
  const bool json = server.text("log_format") == "json";
  return {.level = log_level(server.text("log_level")),
          .format = json ? Log::Format::kJson : Log::Format::kText,
          .target = server.text("log_target")};
}

DevelopmentTls development_tls(const OptionValues& server, Errors& errors) {
  DevelopmentTls settings{.automatic = server.boolean("tls.auto"), .names = {}};
  for (const std::string& written : server.texts("tls.names")) {
    auto name = x509::check_name(written);
    if (name) {
      settings.names.push_back(std::move(*name));
    } else {
      name.error().what = "tls.names: " + name.error().what;
      name.error().where = server.value("tls.names").where;
      errors.push_back(std::move(name.error()));
    }
  }
  return settings;
}

void check_origins(const ServicePlan& plan, Errors& errors) {
  const OptionValues::Value& origins = plan.values.value("websocket.origins");
  for (const std::string& origin : origins.texts) {
    if (http::is_origin_pattern(origin)) continue;
    errors.push_back({ErrorCode::kBadValue,
                      "websocket.origins: " + quoted(origin, 60) + " is no origin of a page",
                      origins.where, "write it as browsers do: \"https://example.com\", or \"*\""});
  }
}

// What the type itself has to say of a table.
void check_type(const ServicePlan& plan, Errors& errors) {
  if (plan.type->check == nullptr || !plan.values.boolean("enabled")) return;
  for (Error& error : plan.type->check(plan.values)) {
    if (error.where.empty()) error.where = plan.where;
    errors.push_back(std::move(error));
  }
}

ServicePlan plan_of(ServiceSettings service) {
  return {.name = std::move(service.name),
          .type = find_type(service.type),
          .values = std::move(service.values),
          .where = std::move(service.where)};
}

}  // namespace

Result<Endpoint> shifted(const Endpoint& endpoint, int offset) {
  if (endpoint.transport == Transport::kUnix || endpoint.last_port < kFirstShifted) return endpoint;
  if (endpoint.first_port < kFirstShifted) {
    return failure(ErrorCode::kConflict, "the ports of " + endpoint.text() + " begin below 1024",
                   {}, "--offset moves ports from 1024 up; write this as two endpoints");
  }
  if (endpoint.last_port + offset > kLastPort) {
    return failure(ErrorCode::kBadValue,
                   endpoint.text() + " and " + std::to_string(offset) + " is over 65535", {},
                   "the largest offset here is " + std::to_string(kLastPort - endpoint.last_port));
  }
  Endpoint moved = endpoint;
  moved.first_port = static_cast<std::uint16_t>(endpoint.first_port + offset);
  moved.last_port = static_cast<std::uint16_t>(endpoint.last_port + offset);
  return moved;
}

std::string command_for(std::string_view name, const ConfigurationOptions& options) {
  std::string command = "polyport " + std::string(name);
  for (const std::string& word : options.what)
    command += " " + shell_word(word);
  for (const std::string& setting : options.set)
    command += " --set " + shell_word(setting);
  return command;
}

std::string start_command(const ConfigurationOptions& options) {
  std::string command = command_for("run", options);
  for (const std::string& name : options.only)
    command += " --only " + shell_word(name);
  return command;
}

Configuration load_configuration(const ConfigurationOptions& options) {
  Configuration configuration;
  Source source = read_source(options.what);
  configuration.name = source.name;
  configuration.usage = std::move(source.errors);
  const std::vector<Override> overrides = all_overrides(options, configuration.usage);
  if (!configuration.usage.empty()) return configuration;

  LoadResult loaded = load_settings(source.text, source.name, make_schema(), overrides);
  name_places(source, loaded);
  configuration.errors = std::move(loaded.errors);
  configuration.warnings = std::move(loaded.warnings);
  if (!configuration.errors.empty()) return configuration;

  Settings& settings = loaded.settings;
  keep_only(options.only, settings, configuration.errors);
  settings.services.push_back(std::move(settings.health));
  settings.services.push_back(std::move(settings.admin));
  for (ServiceSettings& service : settings.services) {
    shift_ports(options.offset, service, configuration.errors);
    configuration.plans.push_back(plan_of(std::move(service)));
    check_type(configuration.plans.back(), configuration.errors);
    check_origins(configuration.plans.back(), configuration.errors);
  }
  configuration.host = host_options(settings.server);
  configuration.log = log_options(settings.server);
  configuration.state_dir = settings.server.text("state_dir");
  configuration.development_tls = development_tls(settings.server, configuration.errors);
  for (const ServicePlan& plan : configuration.plans) {
    check_tls(plan, configuration.development_tls.automatic, configuration.errors,
              configuration.warnings);
  }
  return configuration;
}

}  // namespace polyport
