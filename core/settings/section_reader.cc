#include "core/settings/section_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/text.h"
#include "core/settings/value_reader.h"

namespace polyport {

namespace {

// What people write for "listen" who know other servers.
constexpr std::array<std::string_view, 6> kOtherWordsForListen{"port", "ports", "address",
                                                               "host", "bind",  "endpoint"};

template <class List>
bool contains_name(const List& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<const OptionSpec*> effective_rows(const Section& section) {
  std::vector<const OptionSpec*> effective;
  for (const auto rows : section.rows) {
    for (const OptionSpec& row : rows) {
      const auto same =
          std::find_if(effective.begin(), effective.end(),
                       [&](const OptionSpec* other) { return other->name == row.name; });
      if (same == effective.end()) {
        effective.push_back(&row);
      } else {
        *same = &row;
      }
    }
  }
  return effective;
}

class SectionReader {
 public:
  SectionReader(const Section& section, std::span<const OptionSpec> server, Report& report)
      : section_(section), server_(server), report_(report) {}

  OptionValues read();

 private:
  void set_default(const OptionSpec& row);
  void report_unknown_keys();
  std::string hint_for(std::string_view key) const;
  EndpointRules endpoint_rules(const OptionSpec& row) const;

  const Section& section_;
  std::span<const OptionSpec> server_;
  Report& report_;
  Names known_;
  OptionValues values_;
};

OptionValues SectionReader::read() {
  const TypeSchema* const type = section_.type;
  for (const OptionSpec* const row : effective_rows(section_)) {
    known_.push_back(row->name);
    const Node* const node = section_.table != nullptr ? section_.table->find(row->name) : nullptr;
    if (type != nullptr && row->name == "type") {  // already found, from the table's name too
      values_.set("type", {.type = row->type,
                           .text = std::string(type->name),
                           .where = node != nullptr ? report_.where(node->place) : "default",
                           .is_default = node == nullptr});
    } else if (node != nullptr && !row->instead.empty()) {
      report_.add(node->key_place, ErrorCode::kUnknownKey,
                  quoted(row->name) + " is not an option of this service",
                  std::string(row->instead));
    } else if (node == nullptr) {
      set_default(*row);
    } else if (auto value = read_value(*node, *row, endpoint_rules(*row), report_)) {
      values_.set(std::string(row->name), std::move(*value));
    }
  }
  if (type != nullptr && !contains_name(known_, "type")) known_.push_back("type");
  report_unknown_keys();
  return std::move(values_);
}

void SectionReader::set_default(const OptionSpec& row) {
  OptionValues::Value value{.type = row.type, .where = "default"};
  Node node{.kind = Node::Kind::kOverride, .text = std::string(row.fallback)};
  if (row.type == OptionType::kEndpoints && node.text.empty()) {
    if (row.name != "listen") return values_.set(std::string(row.name), value);
    if (section_.type == nullptr || section_.type->default_port == 0) {
      return report_.add(section_.place, ErrorCode::kUnknownKey,
                         section_.title + " has no port of its own",
                         "add listen = \"localhost:PORT\"");
    }
    node.text = "localhost:" + std::to_string(section_.type->default_port);
  }

  // A default that its own row refuses is a mistake in a service's source; name the row.
  Report refusals("", {});
  if (auto read = read_value(node, row, endpoint_rules(row), refusals)) {
    read->where = "default";
    read->places.assign(read->endpoints.size(), read->where);
    read->is_default = true;
    values_.set(std::string(row.name), std::move(*read));
  }
  for (const Error& error : refusals.take()) {
    report_.add(section_.place, error.code, "the built-in default is wrong: " + error.what,
                error.hint);
  }
}

EndpointRules SectionReader::endpoint_rules(const OptionSpec& row) const {
  if (section_.type == nullptr) return {};
  EndpointRules rules{.type = section_.type->name};
  for (const TypeSchema::DoorSchema& door : section_.type->doors) {
    if (door.option == row.name) rules.door = &door;
  }
  return rules;
}

void SectionReader::report_unknown_keys() {
  if (section_.table == nullptr) return;
  for (const Node& node : section_.table->items) {
    if (contains_name(known_, node.key)) continue;
    report_.add(node.key_place, ErrorCode::kUnknownKey, "unknown key " + quoted(node.key, 60),
                hint_for(node.key));
  }
}

std::string SectionReader::hint_for(std::string_view key) const {
  const bool belongs_to_server = std::any_of(
      server_.begin(), server_.end(), [&](const OptionSpec& row) { return row.name == key; });
  if (belongs_to_server) return "it belongs under [server]";
  const bool listens = contains_name(known_, "listen");
  if (listens && contains_name(kOtherWordsForListen, key)) {
    return "write listen = \"localhost:8080\"";
  }
  if (!listens && (key == "listen" || contains_name(kOtherWordsForListen, key))) {
    return "what listens stands under [services.NAME], [health] or [admin]";
  }
  const std::string meant = did_you_mean(key, known_);
  if (!meant.empty()) return meant;
  if (section_.type != nullptr) {
    return "`polyport services " + std::string(section_.type->name) + "` lists the keys";
  }
  std::string list;
  for (const std::string_view name : known_)
    list += (list.empty() ? "" : ", ") + std::string(name);
  return "the keys are " + list;
}

}  // namespace

OptionValues read_section(const Section& section, std::span<const OptionSpec> server,
                          Report& report) {
  return SectionReader(section, server, report).read();
}

}  // namespace polyport
