#include "core/settings/settings.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/base/text.h"
#include "core/settings/document.h"
#include "core/settings/section_reader.h"
#include "core/settings/toml_reader.h"

namespace polyport {

namespace {

constexpr std::array<std::string_view, 4> kSections{"server", "health", "admin", "services"};

std::string list_of(Names names) {
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string_view name : names)
    text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

// Whether the rows of a section have a table of that name in it.
bool is_inner_table(std::span<const OptionSpec> rows, const std::string& key) {
  return std::any_of(rows.begin(), rows.end(),
                     [&key](const OptionSpec& row) { return row.name.starts_with(key + "."); });
}

bool is_instance_name(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

// Finds the tables of a configuration and the rows each is read against.
class Loader {
 public:
  Loader(const Schema& schema, Report& report) : schema_(schema), report_(report) {
    for (const TypeSchema& type : schema.types)
      type_names_.push_back(type.name);
  }

  Settings load(const Node& root);

 private:
  void report_unknown_sections(const Node& root);
  const Node* section_table(const Node& root, std::string_view key);
  bool is_table(const Node& node, const std::string& title);
  ServiceSettings internal_service(const Node& root, const TypeSchema& type, std::string_view key);
  std::optional<ServiceSettings> service(const Node& node);
  bool check_name(const Node& node);
  const TypeSchema* type_of(const Node& table);
  void report_missing_type(const Node& table);
  const TypeSchema* find_type(std::string_view name) const;

  const Schema& schema_;
  Report& report_;
  Names type_names_;
};

Settings Loader::load(const Node& root) {
  Settings settings;
  report_unknown_sections(root);
  const Section server{
      .title = "[server]", .table = section_table(root, "server"), .rows = {schema_.server}};
  settings.server = read_section(server, schema_.server, report_);
  settings.health = internal_service(root, schema_.health, "health");
  settings.admin = internal_service(root, schema_.admin, "admin");
  if (const Node* const services = section_table(root, "services")) {
    for (const Node& node : services->items) {
      if (auto found = service(node)) settings.services.push_back(std::move(*found));
    }
  }
  return settings;
}

void Loader::report_unknown_sections(const Node& root) {
  for (const Node& node : root.items) {
    if (std::find(kSections.begin(), kSections.end(), node.key) != kSections.end()) continue;
    const bool table = node.kind == Node::Kind::kTable;
    const bool of_server = std::any_of(schema_.server.begin(), schema_.server.end(),
                                       [&](const OptionSpec& row) { return row.name == node.key; });
    std::string hint = did_you_mean(node.key, kSections);
    if (find_type(node.key) != nullptr) hint = "did you mean [services." + node.key + "]?";
    if (of_server) hint = "it belongs under [server]";
    if (table && is_inner_table(schema_.server, node.key)) {
      hint = "did you mean [server." + node.key + "]?";
    }
    if (hint.empty()) hint = "the sections are [server], [health], [admin] and [services.NAME]";
    report_.add(node.key_place, ErrorCode::kUnknownKey,
                (table ? "unknown section " : "unknown key ") + quoted(node.key, 60), hint);
  }
}

const Node* Loader::section_table(const Node& root, std::string_view key) {
  const Node* const node = root.find(key);
  return node != nullptr && is_table(*node, std::string(key)) ? node : nullptr;
}

bool Loader::is_table(const Node& node, const std::string& title) {
  if (node.kind == Node::Kind::kTable) return true;
  const bool tables = node.kind == Node::Kind::kArray && !node.items.empty() &&
                      node.items.front().kind == Node::Kind::kTable;
  report_.add(node.key_place, ErrorCode::kBadType,
              quoted(title, 60) + (tables ? " is a list of tables" : " is not a section"),
              tables ? "write it once, in single brackets: [" + title + "]"
                     : "write a line [" + title + "] and its keys below it");
  return false;
}

ServiceSettings Loader::internal_service(const Node& root, const TypeSchema& type,
                                         std::string_view key) {
  Section section{.title = "[" + std::string(key) + "]",
                  .table = section_table(root, key),
                  .rows = type.options,
                  .type = &type};
  if (section.table != nullptr) {
    section.place = section.table->key_place;
    const Node* const written = section.table->find("type");
    if (written != nullptr && written->text != type.name) {
      report_.add(written->place, ErrorCode::kBadValue,
                  section.title + " has no other type than " + quoted(type.name),
                  "leave the line out");
    }
  }
  return {.name = std::string(key),
          .type = std::string(type.name),
          .values = read_section(section, schema_.server, report_),
          .where = report_.where(section.place)};
}

std::optional<ServiceSettings> Loader::service(const Node& node) {
  if (!check_name(node) || !is_table(node, "services." + node.key)) return std::nullopt;
  const TypeSchema* const type = type_of(node);
  if (type == nullptr) return std::nullopt;
  const Section section{.title = "[services." + node.key + "]",
                        .table = &node,
                        .place = node.key_place,
                        .rows = type->options,
                        .type = type};
  return ServiceSettings{.name = node.key,
                         .type = std::string(type->name),
                         .values = read_section(section, schema_.server, report_),
                         .where = report_.where(node.key_place)};
}

// Whether it makes sense to look into the table: a name that is only badly written is no reason not
// to.
bool Loader::check_name(const Node& node) {
  if (!is_instance_name(node.key)) {
    report_.add(node.key_place, ErrorCode::kBadValue,
                quoted(node.key, 60) + " is no name for a service",
                "use lower-case letters, digits, - and _, a letter first");
  }
  if (node.key != schema_.health.name && node.key != schema_.admin.name) return true;
  report_.add(node.key_place, ErrorCode::kConflict,
              quoted(node.key) + " is the name of a built-in service",
              "its section is [" + node.key + "]; choose another name here");
  return false;
}

// The type that the line `type` or else the table's name says; null after the reason was reported.
const TypeSchema* Loader::type_of(const Node& table) {
  const Node* const written = table.find("type");
  if (written == nullptr) {
    const TypeSchema* const type = find_type(table.key);
    if (type == nullptr) report_missing_type(table);
    return type;
  }
  if (written->kind != Node::Kind::kString && written->kind != Node::Kind::kOverride) {
    report_.add(written->place, ErrorCode::kBadType, "type: expected a service type in quotes",
                "the types are " + list_of(type_names_));
    return nullptr;
  }
  const TypeSchema* const type = find_type(written->text);
  if (type == nullptr) {
    const std::string meant = did_you_mean(written->text, type_names_);
    report_.add(written->place, ErrorCode::kUnknownKey,
                "unknown service type " + quoted(written->text, 60),
                meant.empty() ? "the types are " + list_of(type_names_) : meant);
  }
  return type;
}

void Loader::report_missing_type(const Node& table) {
  const std::string near(nearest_name(table.key, type_names_));
  if (near.empty()) {
    report_.add(table.key_place, ErrorCode::kUnknownKey,
                "service " + quoted(table.key, 60) + " needs a type",
                "add type = \"TYPE\", one of " + list_of(type_names_));
    return;
  }
  report_.add(table.key_place, ErrorCode::kUnknownKey,
              "service " + quoted(table.key, 60) + " needs a type",
              "did you mean [services." + near + "]? Otherwise add type = \"" + near + "\"");
}

const TypeSchema* Loader::find_type(std::string_view name) const {
  const auto found = std::find_if(schema_.types.begin(), schema_.types.end(),
                                  [&](const TypeSchema& type) { return type.name == name; });
  return found == schema_.types.end() ? nullptr : &*found;
}

}  // namespace

LoadResult load_settings(std::string_view text, std::string_view file, const Schema& schema,
                         std::span<const Override> overrides) {
  LoadResult result;
  Report report(file, overrides);
  auto root = read_toml(text);
  if (!root) {
    report.add(root.error().place, std::move(root.error().error));
    result.errors = report.take();
    return result;
  }
  lay_over(*root, overrides, schema, report);
  result.settings = Loader(schema, report).load(*root);
  result.errors = report.take();
  if (result.settings.services.empty() && result.errors.empty()) {
    result.warnings.push_back({ErrorCode::kNotFound, "the configuration has no service",
                               std::string(file), "add a section like [services.echo]"});
  }
  return result;
}

}  // namespace polyport
