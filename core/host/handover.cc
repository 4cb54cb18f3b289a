#include "core/host/handover.h"

#include <algorithm>
#include <limits>

#include "core/base/digest.h"

namespace polyport {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";  // as hex() writes them

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::size_t high = kHexDigits.find(text[i]);
    const std::size_t low = kHexDigits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

// A number in its bounds; anything else makes `ok` false.
template <class Number>
Number number_of(const JsonValue& object, std::string_view key, Number most, bool& ok) {
  const JsonValue* const value = object.find(key);
  const auto number = value != nullptr ? value->integer() : std::nullopt;
  ok = ok && number && *number >= 0 && static_cast<std::uint64_t>(*number) <= most;
  return ok ? static_cast<Number>(*number) : Number{};
}

template <class Enum>
Enum enum_of(const JsonValue& object, std::string_view key, Enum last, bool& ok) {
  return static_cast<Enum>(
      number_of<std::uint64_t>(object, key, static_cast<std::uint64_t>(last), ok));
}

std::string text_in(const JsonValue& object, std::string_view key) {
  return std::string(object.text_of(key));
}

bool truth_of(const JsonValue& object, std::string_view key) {
  const JsonValue* const value = object.find(key);
  return value != nullptr && value->is_true();
}

template <class Enum>
void write_enum(JsonWriter& json, std::string_view key, Enum value) {
  json.field(key, static_cast<int>(value));
}

void write_target(JsonWriter& json, const BindTarget& target) {
  write_enum(json, "socket", target.transport);
  write_enum(json, "written", target.written);
  write_enum(json, "family", target.address.family);
  json.field("ip", hex({reinterpret_cast<const char*>(target.address.ip.data()),
                        target.address.ip.size()}));
  json.field("scope", target.address.scope_id);
  json.field("port", target.address.port);
  write_enum(json, "ipv6", target.ipv6_mode);
  json.field("path", hex(target.path));
}

BindTarget read_target(const JsonValue& json, bool& ok) {
  BindTarget target;
  target.transport = enum_of(json, "socket", kAllTransports.back(), ok);
  target.written = enum_of(json, "written", kAllTransports.back(), ok);
  target.address.family = enum_of(json, "family", Family::kUnix, ok);
  const auto ip = from_hex(json.text_of("ip"));
  ok = ok && ip && ip->size() == target.address.ip.size();
  if (ok) std::copy(ip->begin(), ip->end(), target.address.ip.begin());
  target.address.scope_id =
      number_of<std::uint32_t>(json, "scope", std::numeric_limits<std::uint32_t>::max(), ok);
  target.address.port =
      number_of<std::uint16_t>(json, "port", std::numeric_limits<std::uint16_t>::max(), ok);
  target.ipv6_mode = enum_of(json, "ipv6", IPv6Mode::kDualStack, ok);
  const auto path = from_hex(json.text_of("path"));
  ok = ok && path;
  if (path) target.path = *path;
  return target;
}

void write_group(JsonWriter& json, const HandedGroup& group, std::vector<int>& descriptors) {
  json.begin_object();
  json.field("door", group.door);
  write_enum(json, "transport", group.transport);
  json.field("configured", group.configured);
  json.field("where", group.where);
  json.field("number", group.number);
  write_enum(json, "origin", group.origin);
  json.field("retrying", group.retrying);
  json.key("ports");
  json.begin_array();
  for (const HandedPort& port : group.ports) {
    json.begin_object();
    json.field("id", port.id);
    write_target(json, port.target);
    json.field("inherited", port.inherited);
    if (port.fd >= 0) {
      json.field("fd", descriptors.size());
      descriptors.push_back(port.fd);
    }
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

HandedGroup read_group(const JsonValue& json, const std::vector<int>& descriptors, bool& ok) {
  HandedGroup group;
  group.door = text_in(json, "door");
  group.transport = enum_of(json, "transport", kAllTransports.back(), ok);
  group.configured = text_in(json, "configured");
  group.where = text_in(json, "where");
  group.number =
      number_of<std::uint32_t>(json, "number", std::numeric_limits<std::uint32_t>::max(), ok);
  group.origin = enum_of(json, "origin", ListenerOrigin::kInherited, ok);
  group.retrying = truth_of(json, "retrying");
  const JsonValue* const ports = json.find("ports");
  ok = ok && ports != nullptr && !ports->items().empty();
  if (!ok) return group;
  for (const JsonValue& each : ports->items()) {
    HandedPort port;
    port.id = text_in(each, "id");
    port.target = read_target(each, ok);
    port.inherited = truth_of(each, "inherited");
    if (each.find("fd") != nullptr) {
      const auto place = number_of<std::size_t>(each, "fd", descriptors.size(), ok);
      ok = ok && place < descriptors.size();
      if (ok) port.fd = descriptors[place];
    }
    group.ports.push_back(std::move(port));
  }
  return group;
}

}  // namespace

void write_handover(JsonWriter& json, const std::vector<HandedService>& services,
                    std::vector<int>& descriptors) {
  json.begin_array();
  for (const HandedService& service : services) {
    json.begin_object();
    json.field("name", service.name);
    json.field("here", service.here);
    json.field("skipped", service.skipped);
    json.field("reason", service.reason);
    json.field("tls_tickets", hex(service.tls_tickets));
    json.key("groups");
    json.begin_array();
    for (const HandedGroup& group : service.groups)
      write_group(json, group, descriptors);
    json.end_array();
    json.end_object();
  }
  json.end_array();
}

std::optional<std::vector<HandedService>> read_handover(const JsonValue& services,
                                                        const std::vector<int>& descriptors) {
  std::vector<HandedService> list;
  bool ok = services.kind() == JsonValue::Kind::kArray;
  for (const JsonValue& each : services.items()) {
    HandedService service;
    service.name = text_in(each, "name");
    service.here = truth_of(each, "here");
    service.skipped = truth_of(each, "skipped");
    service.reason = text_in(each, "reason");
    const auto tickets = from_hex(each.text_of("tls_tickets"));
    const JsonValue* const groups = each.find("groups");
    ok = ok && tickets && groups != nullptr;
    if (!ok) return std::nullopt;
    service.tls_tickets = *tickets;
    for (const JsonValue& group : groups->items())
      service.groups.push_back(read_group(group, descriptors, ok));
    list.push_back(std::move(service));
  }
  if (!ok) return std::nullopt;
  return list;
}

std::string handed_errors(const Errors& errors) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.key("errors");
  json.begin_array();
  for (const Error& error : errors) {
    json.begin_object();
    json.field("code", static_cast<int>(error.code));
    json.field("what", error.what);
    json.field("where", error.where);
    json.field("hint", error.hint);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return text;
}

Errors read_handed_errors(std::string_view text) {
  Errors errors;
  const auto json = JsonValue::parse(text);
  const JsonValue* const list = json ? json->find("errors") : nullptr;
  if (list == nullptr) return errors;
  for (const JsonValue& each : list->items()) {
    const JsonValue* const code = each.find("code");
    const auto number = code == nullptr ? std::nullopt : code->integer();
    const bool known = number && *number >= 0 && *number <= static_cast<int>(ErrorCode::kSystem);
    errors.push_back({known ? static_cast<ErrorCode>(*number) : ErrorCode::kSystem,
                      std::string(each.text_of("what")), std::string(each.text_of("where")),
                      std::string(each.text_of("hint"))});
  }
  return errors;
}

}  // namespace polyport
