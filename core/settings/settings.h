// Settings: a configuration text, checked as a whole against the option rows.
//
// Reads TOML, lays environment variables and --set over it, checks every value, and reports every
// error at once with its place. Knows nothing of services: the rows come from the caller.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/settings/option.h"

namespace polyport {

// The rows of one service type, as settings sees them.
struct TypeSchema {
  struct DoorSchema {
    std::string_view option;               // a kEndpoints option: "listen", "web"
    Transports transports = 0;             // what it may listen on
    Transport fallback = Transport::kTcp;  // of an endpoint written without a transport
  };
  std::string_view name;
  std::uint16_t default_port = 0;
  std::vector<std::span<const OptionSpec>>
      options;  // common rows first; a later row of one name wins
  std::vector<DoorSchema> doors;
};

struct Schema {
  std::span<const OptionSpec> server;  // [server]
  TypeSchema health;                   // [health]
  TypeSchema admin;                    // [admin]
  std::vector<TypeSchema> types;       // [services.*]
};

struct ServiceSettings {
  std::string name;  // of the table: "web"
  std::string type;  // "http"
  OptionValues values;
  std::string where;  // of the table
};

struct Settings {
  OptionValues server;
  ServiceSettings health;
  ServiceSettings admin;
  std::vector<ServiceSettings> services;  // in file order
};

// One override: a dotted path and the text of its value.
struct Override {
  std::string path;    // "services.web.listen"
  std::string text;    // "localhost:8081", "5s", "true"; a TOML array where the option is a list
  std::string origin;  // "--set services.web.listen", "environment POLYPORT_SERVICES__WEB__LISTEN"
  // How the path names a service: exactly, or as a variable has to, with "_" for "-" too.
  enum class Names : std::uint8_t { kExact, kEnvironment } names = Names::kExact;
};

struct LoadResult {
  Settings settings;  // meaningful only where errors is empty
  Errors errors;      // in file order, then overrides
  Errors warnings;
  bool ok() const { return errors.empty(); }
};

// `file` is the name used in messages. `overrides` are applied in order: environment first, --set
// last.
LoadResult load_settings(std::string_view text, std::string_view file, const Schema& schema,
                         std::span<const Override> overrides = {});

// The overrides among `environment` ("NAME=value" each): only names with a double underscore after
// a known first word (POLYPORT_SERVER__, _SERVICES__, _HEALTH__, _ADMIN__); any other POLYPORT_
// name is ignored, because Kubernetes injects some.
std::vector<Override> overrides_from_environment(std::span<const std::string> environment);

// "PATH=VALUE" of a --set.
Result<Override> parse_override(std::string_view argument);

}  // namespace polyport
