#include "app/types.h"

#include <algorithm>

#include "app/admin/admin.h"
#include "app/admin/health.h"
#include "core/settings/server_options.h"

namespace polyport {
namespace {

// The transport of an endpoint that names none: TCP, unless the door has no TCP.
Transport usual_transport(Transports transports) {
  for (const Transport transport : {Transport::kTcp, Transport::kUdp}) {
    if (contains(transports, transport)) return transport;
  }
  return Transport::kUnix;
}

TypeSchema schema_of(const ServiceType& type) {
  TypeSchema schema;
  schema.name = type.name;
  schema.default_port = type.default_port;
  schema.options = {common_options(), type.options};
  for (const Door& door : type.doors) {
    schema.doors.push_back({door.option, offered(door), usual_transport(door.transports)});
  }
  return schema;
}

}  // namespace

std::span<const ServiceType* const> all_types() {
  static const std::vector<const ServiceType*> types = [] {
    std::vector<const ServiceType*> list(service_types().begin(), service_types().end());
    list.push_back(&health_type);
    list.push_back(&admin_type);
    return list;
  }();
  return types;
}

const ServiceType* find_type(std::string_view name) {
  const auto types = all_types();
  const auto found = std::find_if(types.begin(), types.end(),
                                  [name](const ServiceType* type) { return type->name == name; });
  return found == types.end() ? nullptr : *found;
}

Schema make_schema() {
  Schema schema;
  schema.server = server_options();
  schema.health = schema_of(health_type);
  schema.admin = schema_of(admin_type);
  for (const ServiceType* type : service_types())
    schema.types.push_back(schema_of(*type));
  return schema;
}

const OptionSpec* find_option(const ServiceType& type, std::string_view option) {
  for (const auto rows : {type.options, common_options()}) {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [option](const OptionSpec& row) { return row.name == option; });
    if (found != rows.end()) return &*found;
  }
  return nullptr;
}

std::vector<const OptionSpec*> all_options(const ServiceType& type) {
  std::vector<const OptionSpec*> rows;
  for (const OptionSpec& row : common_options()) {
    if (find_option(type, row.name) == &row) rows.push_back(&row);
  }
  for (const OptionSpec& row : type.options)
    rows.push_back(&row);
  return rows;
}

}  // namespace polyport
