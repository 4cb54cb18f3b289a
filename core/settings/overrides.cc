// Overrides: environment variables and --set, read into paths and laid over the file's tree.

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/text.h"
#include "core/settings/document.h"
#include "core/settings/settings.h"

namespace polyport {

namespace {

constexpr std::array<std::string_view, 4> kSections{"server", "health", "admin", "services"};
constexpr std::array<std::string_view, 4> kVariables{"SERVER", "HEALTH", "ADMIN", "SERVICES"};
constexpr std::size_t kShownPath = 120;

bool is_single_section(std::string_view word) {
  return word == "server" || word == "health" || word == "admin";
}

std::vector<std::string_view> split_name(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find("__");
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 2);
  }
}

std::string as_variable(std::string_view name) {
  std::string result(name);
  std::replace(result.begin(), result.end(), '-', '_');
  return result;
}

// The member of `table` with this key, made if it is missing.
Node& member(Node& table, std::string_view key, const Place& place) {
  if (Node* const found = table.find(key)) return *found;
  return table.items.emplace_back(
      Node{.key = std::string(key), .key_place = place, .place = place});
}

class Overlay {
 public:
  Overlay(Node& root, const Schema& schema, Report& report)
      : root_(root), schema_(schema), report_(report) {}

  void lay(const Override& override, const Place& place);

 private:
  void refuse_path(const std::vector<std::string_view>& path, const Override& override,
                   const Place& place);
  bool is_inner_row(const std::vector<std::string_view>& path) const;
  std::string meant(const std::vector<std::string_view>& path) const;
  // The service that a variable means by `name`; nothing where that is ambiguous.
  std::optional<std::string> service_of_variable(std::string_view name, const Place& place);
  bool is_type(std::string_view name) const {
    return std::any_of(schema_.types.begin(), schema_.types.end(),
                       [&](const TypeSchema& type) { return type.name == name; });
  }

  Node& root_;
  const Schema& schema_;
  Report& report_;
};

void Overlay::lay(const Override& override, const Place& place) {
  const std::vector<std::string_view> path = split(override.path, '.');
  const bool inner = is_inner_row(path);  // of a table in the section: server.tls.auto
  const std::size_t length = path.size() - (inner ? 1 : 0);
  const bool service = length == 3 && path[0] == "services";
  if (!service && !(length == 2 && is_single_section(path[0]))) {
    return refuse_path(path, override, place);
  }

  Node* table = &member(root_, path[0], place);
  if (service && table->kind == Node::Kind::kTable) {
    std::optional<std::string> name(path[1]);
    if (override.names == Override::Names::kEnvironment) name = service_of_variable(path[1], place);
    if (!name) return;
    table = &member(*table, *name, place);
  }
  if (inner && table->kind == Node::Kind::kTable) {
    table = &member(*table, path[path.size() - 2], place);
  }
  // That the file has something else in its place is reported with the file.
  if (table->kind != Node::Kind::kTable) return;

  Node& value = member(*table, path.back(), place);
  value = Node{.kind = Node::Kind::kOverride,
               .key = std::move(value.key),
               .key_place = place,
               .place = place,
               .text = override.text};
}

bool Overlay::is_inner_row(const std::vector<std::string_view>& path) const {
  if (path.size() < 3) return false;
  const std::string name = std::string(path[path.size() - 2]) + "." + std::string(path.back());
  const auto has_it = [&name](std::span<const OptionSpec> rows) {
    return std::any_of(rows.begin(), rows.end(),
                       [&name](const OptionSpec& row) { return row.name == name; });
  };
  if (path[0] != "services")
    return path.size() == 3 && path[0] == "server" && has_it(schema_.server);
  return path.size() == 4 &&
         std::any_of(schema_.types.begin(), schema_.types.end(), [&has_it](const TypeSchema& type) {
           return std::any_of(type.options.begin(), type.options.end(), has_it);
         });
}

std::optional<std::string> Overlay::service_of_variable(std::string_view name, const Place& place) {
  std::vector<std::string_view> found;
  if (const Node* const services = root_.find("services")) {
    for (const Node& item : services->items) {
      if (as_variable(item.key) == name) found.push_back(item.key);
    }
  }
  if (found.size() > 1) {
    report_.add(place, ErrorCode::kConflict,
                "the variable may mean " + quoted(found[0]) + " or " + quoted(found[1]),
                "rename one of the services, or use --set");
    return std::nullopt;
  }
  if (!found.empty()) return std::string(found.front());
  for (const TypeSchema& type : schema_.types) {
    if (as_variable(type.name) == name) return std::string(type.name);
  }
  return std::string(name);
}

void Overlay::refuse_path(const std::vector<std::string_view>& path, const Override& override,
                          const Place& place) {
  const std::string intended = meant(path);
  report_.add(place, ErrorCode::kUnknownKey, "unknown setting " + quoted(override.path, kShownPath),
              intended.empty() ? "settings are server.KEY, health.KEY, admin.KEY and "
                                 "services.NAME.KEY"
                               : "did you mean " + quoted(intended, kShownPath) + "?");
}

std::string Overlay::meant(const std::vector<std::string_view>& path) const {
  if (path.size() == 1) {
    std::vector<std::string_view> names;
    for (const OptionSpec& row : schema_.server)
      names.push_back(row.name);
    const std::string_view near = nearest_name(path[0], names);
    return near.empty() ? "" : "server." + std::string(near);
  }
  const Node* const services = root_.find("services");
  const bool service = is_type(path[0]) || (services != nullptr && services->find(path[0]));
  if (path.size() == 2 && service) {
    return "services." + std::string(path[0]) + "." + std::string(path[1]);
  }
  const std::string_view section = nearest_name(path[0], kSections);
  const std::size_t length = is_single_section(section) ? 2 : 3;
  if (section.empty() || section == path[0] || path.size() != length) return {};
  std::string result(section);
  for (std::size_t i = 1; i < path.size(); ++i)
    result += "." + std::string(path[i]);
  return result;
}

}  // namespace

void lay_over(Node& root, std::span<const Override> overrides, const Schema& schema,
              Report& report) {
  Overlay overlay(root, schema, report);
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    overlay.lay(overrides[i], Place{.override_number = static_cast<std::uint32_t>(i + 1)});
  }
}

std::vector<Override> overrides_from_environment(std::span<const std::string> environment) {
  constexpr std::string_view kPrefix = "POLYPORT_";
  std::vector<Override> overrides;
  for (const std::string& entry : environment) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || !entry.starts_with(kPrefix)) continue;
    const std::string_view variable = std::string_view(entry).substr(0, equals);
    const std::vector<std::string_view> parts = split_name(variable.substr(kPrefix.size()));
    const bool known =
        std::find(kVariables.begin(), kVariables.end(), parts[0]) != kVariables.end();
    if (!known || parts.size() < 2) continue;

    std::string path = to_lower(parts[0]);
    for (std::size_t i = 1; i < parts.size(); ++i)
      path += "." + to_lower(parts[i]);
    overrides.push_back({.path = std::move(path),
                         .text = entry.substr(equals + 1),
                         .origin = "environment " + printable(variable, kShownPath),
                         .names = Override::Names::kEnvironment});
  }
  return overrides;
}

Result<Override> parse_override(std::string_view argument) {
  constexpr std::string_view kExample = "write --set services.web.listen=localhost:8081";
  const std::size_t equals = argument.find('=');
  const std::string_view path = trim(argument.substr(0, equals));
  if (path.empty()) {
    return failure(ErrorCode::kSyntax, "a setting needs a name before the \"=\"", "--set",
                   std::string(kExample));
  }
  const std::string origin = "--set " + printable(path, kShownPath);
  if (equals == std::string_view::npos) {
    return failure(ErrorCode::kSyntax, "a setting needs a value after a \"=\"", origin,
                   std::string(kExample));
  }
  return Override{.path = std::string(path),
                  .text = std::string(argument.substr(equals + 1)),
                  .origin = origin};
}

}  // namespace polyport
