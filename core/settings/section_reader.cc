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
  const Node* find(std::string_view row) const;
  void report_unknown_keys();
  void report_unknown_keys(const Node& table, const std::string& prefix);
  bool is_inner_table(std::string_view key) const;
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
    const Node* const node = find(row->name);
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

// A row "tls.auto" is the key `auto` of the table `tls` in this one.
const Node* SectionReader::find(std::string_view row) const {
  const Node* table = section_.table;
  for (std::size_t dot = row.find('.'); table != nullptr && dot != std::string_view::npos;
       dot = row.find('.')) {
    table = table->find(row.substr(0, dot));
    if (table != nullptr && table->kind != Node::Kind::kTable) table = nullptr;
    row.remove_prefix(dot + 1);
  }
  return table != nullptr ? table->find(row) : nullptr;
}

bool SectionReader::is_inner_table(std::string_view key) const {
  return std::any_of(known_.begin(), known_.end(), [key](std::string_view row) {
    return row.size() > key.size() && row.starts_with(key) && row[key.size()] == '.';
  });
}

void SectionReader::report_unknown_keys() {
  if (section_.table != nullptr) report_unknown_keys(*section_.table, "");
}

void SectionReader::report_unknown_keys(const Node& table, const std::string& prefix) {
  for (const Node& node : table.items) {
    const std::string key = prefix + node.key;
    if (contains_name(known_, key)) continue;
    if (!is_inner_table(key)) {
      report_.add(node.key_place, ErrorCode::kUnknownKey, "unknown key " + quoted(key, 60),
                  hint_for(key));
    } else if (node.kind == Node::Kind::kTable) {
      report_unknown_keys(node, key + ".");
    } else {
      std::string title = section_.title;
      title.insert(title.size() - 1, "." + key);
      report_.add(node.key_place, ErrorCode::kBadType, quoted(key, 60) + " is a section of its own",
                  "write a line " + title + " and its keys below it");
    }
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
