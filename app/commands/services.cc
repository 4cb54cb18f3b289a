#include "app/commands/services.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "app/commands/exit_code.h"
#include "app/output.h"
#include "app/types.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/base/units.h"

namespace polyport {
namespace {

std::string join(const std::vector<std::string_view>& words, std::string_view between) {
  std::string text;
  for (const std::string_view word : words) {
    text.append(text.empty() ? "" : between).append(word);
  }
  return text;
}

std::vector<std::string_view> transport_names(const ServiceType& type) {
  Transports all = 0;
  for (const Door& door : type.doors)
    all |= offered(door);
  std::vector<std::string_view> names;
  for (const Transport transport : kAllTransports) {
    if (contains(all, transport)) names.push_back(name(transport));
  }
  return names;
}

// `listen` has no default in its row: it is the type's port.
std::string default_of(const OptionSpec& row, const ServiceType& type) {
  if (row.name == "listen" && row.fallback.empty() && type.default_port != 0) {
    return "localhost:" + std::to_string(type.default_port);
  }
  if (row.name == "type") return std::string(type.name);
  return std::string(row.fallback);
}

bool has_bounds(const OptionSpec& row) {
  return row.type == OptionType::kInt || row.type == OptionType::kSize ||
         row.type == OptionType::kDuration;
}

bool has_upper_bound(const OptionSpec& row) {
  return row.max != std::numeric_limits<std::int64_t>::max();
}

std::string in_unit(const OptionSpec& row, std::int64_t number) {
  if (row.type == OptionType::kSize) return format_size(static_cast<std::uint64_t>(number));
  if (row.type == OptionType::kDuration) {
    const std::string text =
        format_duration(std::chrono::milliseconds(number < 0 ? -number : number));
    return number < 0 ? "-" + text : text;
  }
  return std::to_string(number);
}

// "ctime, iso8601", "0 to 65536", "at least 1", or nothing.
std::string bounds_of(const OptionSpec& row) {
  if (row.type == OptionType::kEnum) return join(split(row.choices, '|'), ", ");
  if (!has_bounds(row)) return "";
  if (has_upper_bound(row)) return in_unit(row, row.min) + " to " + in_unit(row, row.max);
  return row.min == 0 ? "" : "at least " + in_unit(row, row.min);
}

std::string_view applies_text(Applies applies) {
  switch (applies) {
    case Applies::kNewConnections:
      return "new_connections";
    case Applies::kLive:
      return "live";
    case Applies::kRestart:
      break;
  }
  return "restart";
}

std::string padded(std::string_view text, std::size_t width) {
  return std::string(text).append(width - std::min(width, text.size()), ' ');
}

std::string list_row(std::string_view type, std::string_view transports, std::string_view port,
                     std::string_view summary) {
  const std::string number = std::string(5 - std::min<std::size_t>(5, port.size()), ' ');
  return padded(type, 9) + " " + padded(transports, 13) + " " + number + std::string(port) + "  " +
         std::string(summary) + "\n";
}

std::string list_text() {
  std::string text = list_row("type", "transports", "port", "what it does");
  for (const ServiceType* type : all_types()) {
    text +=
        list_row(type->name, join(transport_names(*type), " "),
                 type->default_port == 0 ? "-" : std::to_string(type->default_port), type->summary);
  }
  return text + "\npolyport services TYPE lists the options of one.\n";
}

std::string type_text(const ServiceType& type) {
  const std::string type_name(type.name);
  const std::string section = type.internal ? type_name : "services." + type_name;
  std::string text = type_name + ": " + std::string(type.summary) + "\n\n[" + section + "]\n";
  for (const OptionSpec* row : all_options(type)) {
    const std::string fallback = default_of(*row, type);
    const std::string bounds = bounds_of(*row);
    text += "  " + padded(row->name, 28) + " " + padded(name(row->type), 9) + " " +
            (fallback.empty() ? "\"\"" : fallback);
    text += bounds.empty() ? "\n" : "   (" + bounds + ")\n";
    text += "      " + std::string(row->help) + "\n";
  }
  return text;
}

void write_option(JsonWriter& json, const OptionSpec& row, const ServiceType& type) {
  json.begin_object();
  json.field("name", row.name);
  json.field("type", name(row.type));
  json.field("default", default_of(row, type));
  if (row.type == OptionType::kEnum) {
    json.key("choices");
    json.begin_array();
    for (const std::string_view choice : split(row.choices, '|'))
      json.value(choice);
    json.end_array();
  }
  if (has_bounds(row)) {  // sizes in bytes, durations in milliseconds
    json.field("min", row.min);
    if (has_upper_bound(row)) json.field("max", row.max);
  }
  json.field("applies", applies_text(row.applies));
  json.field("secret", row.type == OptionType::kSecret);
  json.field("since", row.since);
  json.field("help", row.help);
  json.end_object();
}

void write_type(JsonWriter& json, const ServiceType& type) {
  json.begin_object();
  json.field("type", type.name);
  json.field("summary", type.summary);
  json.field("default_port", type.default_port);
  json.field("internal", type.internal);
  json.key("doors");
  json.begin_array();
  for (const Door& door : type.doors) {
    json.begin_object();
    json.field("name", door.name);
    json.field("option", door.option);
    json.field("http", door.kind == Door::Kind::kHttp);
    json.end_object();
  }
  json.end_array();
  json.key("transports");
  json.begin_array();
  for (const std::string_view transport : transport_names(type))
    json.value(transport);
  json.end_array();
  json.key("options");
  json.begin_array();
  for (const OptionSpec* row : all_options(type))
    write_option(json, *row, type);
  json.end_array();
  json.end_object();
}

std::string json_text(const std::vector<const ServiceType*>& types) {
  std::string text;
  JsonWriter json(text, JsonWriter::Style::kIndented);
  json.begin_object();
  json.key("services");
  json.begin_array();
  for (const ServiceType* type : types)
    write_type(json, *type);
  json.end_array();
  json.end_object();
  return text + "\n";
}

int no_such_type(const std::string& wanted) {
  std::vector<std::string_view> names;
  for (const ServiceType* type : all_types())
    names.push_back(type->name);
  const std::string hint = did_you_mean(wanted, names);
  std::fprintf(stderr, "polyport services: no type is called %s (%s)\n", quoted(wanted).c_str(),
               hint.empty() ? "polyport services lists them" : hint.c_str());
  return kExitUsage;
}

int print_reference(const ServiceType* type) {
  if (type == nullptr || type->reference == nullptr) {
    std::fprintf(stderr, "polyport services: --reference goes with a type that has one (http)\n");
    return kExitUsage;
  }
  std::printf("%s", type->reference().c_str());
  return kExitOk;
}

}  // namespace

int run_command(const ServicesOptions& options) {
  std::vector<const ServiceType*> types(all_types().begin(), all_types().end());
  if (!options.type.empty()) {
    const ServiceType* const type = find_type(options.type);
    if (type == nullptr) return no_such_type(options.type);
    types = {type};
  }
  if (options.format == ServicesOptions::Format::kReference) {
    return print_reference(options.type.empty() ? nullptr : types.front());
  }
  if (options.format == ServicesOptions::Format::kJson) {
    return answer(json_text(types), kExitOk);
  }
  return answer(options.type.empty() ? list_text() : type_text(*types.front()), kExitOk);
}

}  // namespace polyport
