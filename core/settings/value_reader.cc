#include "core/settings/value_reader.h"

#include <algorithm>
#include <limits>
#include <set>

#include "core/base/text.h"
#include "core/base/units.h"
#include "core/settings/toml_reader.h"
#include "core/settings/value_words.h"
#include "core/socket/networks.h"

namespace polyport {
namespace {

// Reads one value; its methods report and return false, or fill `value_`.
class ValueReader {
 public:
  ValueReader(const OptionSpec& row, const EndpointRules& rules, Report& report)
      : row_(row), rules_(rules), report_(report) {
    value_.type = row.type;
  }

  bool read(const Node& node);
  OptionValues::Value take() { return std::move(value_); }

 private:
  bool complain(const Node& node, ErrorCode code, const std::string& what, std::string hint = {}) {
    report_.add(node.place, code, std::string(row_.name) + ": " + what, std::move(hint));
    return false;
  }
  bool complain(const Node& node, const Error& error) {
    return complain(node, error.code, error.what, error.hint);
  }
  bool wrong_kind(const Node& node) {
    return complain(node, ErrorCode::kBadType,
                    "expected " + expected(row_) + ", got " + got(node, row_), remedy(node, row_));
  }

  bool read_bool(const Node& node);
  bool read_int(const Node& node);
  bool read_size(const Node& node);
  bool read_duration(const Node& node);
  bool read_enum(const Node& node);
  bool read_text(const Node& node);
  bool read_texts(const Node& node);
  bool read_listed_text(const Node& node, std::string_view text);
  bool read_certificates(const Node& node);
  bool read_certificate(const Node& item);
  bool read_endpoints(const Node& node);
  bool read_endpoint_text(const Node& node);
  bool read_endpoint(const Node& node, std::string_view text);
  bool within_bounds(const Node& node);
  bool sound_text(const Node& node);

  const OptionSpec& row_;
  const EndpointRules& rules_;
  Report& report_;
  OptionValues::Value value_;
  std::set<std::string> listed_;  // the endpoints in full
};

bool is_text(const Node& node) {
  return node.kind == Node::Kind::kString || node.kind == Node::Kind::kOverride;
}

bool ValueReader::read(const Node& node) {
  if (is_text(node) && !sound_text(node)) return false;
  switch (row_.type) {
    case OptionType::kBool:
      return read_bool(node);
    case OptionType::kInt:
      return read_int(node);
    case OptionType::kSize:
      return read_size(node);
    case OptionType::kDuration:
      return read_duration(node);
    case OptionType::kEnum:
      return read_enum(node);
    case OptionType::kString:
    case OptionType::kSecret:
    case OptionType::kPath:
      return read_text(node);
    case OptionType::kStrings:
    case OptionType::kNetworks:
      return read_texts(node);
    case OptionType::kCertificates:
      return read_certificates(node);
    case OptionType::kEndpoints:
      break;
  }
  return read_endpoints(node);
}

// A TOML text is UTF-8 but may hold "\u0000"; that of an override may hold anything but a NUL.
bool ValueReader::sound_text(const Node& node) {
  if (!is_utf8(node.text)) return complain(node, ErrorCode::kBadValue, "the text is not UTF-8");
  const bool any_control = std::any_of(node.text.begin(), node.text.end(), [](char character) {
    return static_cast<unsigned char>(character) < 0x20 || character == 0x7F;
  });
  const bool may_have = row_.type == OptionType::kString || row_.type == OptionType::kSecret;
  if (node.text.find('\0') != std::string::npos || (any_control && !may_have)) {
    return complain(node, ErrorCode::kBadValue, "the text has a control character",
                    row_.type == OptionType::kSecret ? "" : "it reads " + quoted(node.text, 60));
  }
  return true;
}

bool ValueReader::read_bool(const Node& node) {
  const bool from_text = node.kind == Node::Kind::kOverride;
  if (from_text && (node.text == "true" || node.text == "false")) {
    value_.number = node.text == "true" ? 1 : 0;
    return true;
  }
  if (node.kind != Node::Kind::kBool) return wrong_kind(node);
  value_.number = node.number;
  return true;
}

bool ValueReader::read_int(const Node& node) {
  const std::vector<std::string_view> choices = split(row_.choices, '|');
  const bool word = is_text(node) && !node.text.empty();
  if (word && std::find(choices.begin(), choices.end(), node.text) != choices.end()) {
    value_.text = node.text;
    return true;
  }
  if (node.kind == Node::Kind::kOverride) {
    const auto number = parse_number(node.text);
    if (!number) return wrong_kind(node);
    value_.number = *number;
  } else {
    if (node.kind != Node::Kind::kInteger) return wrong_kind(node);
    value_.number = node.number;
  }
  return within_bounds(node);
}

bool ValueReader::read_size(const Node& node) {
  if (!is_text(node)) return wrong_kind(node);
  const auto bytes = parse_size(node.text);
  if (!bytes) return complain(node, bytes.error());
  value_.number = static_cast<std::int64_t>(*bytes);
  return within_bounds(node);
}

bool ValueReader::read_duration(const Node& node) {
  if (!is_text(node)) return wrong_kind(node);
  const bool negative = row_.min < 0 && node.text.starts_with('-');
  const auto duration = parse_duration(std::string_view(node.text).substr(negative ? 1 : 0));
  if (!duration) return complain(node, duration.error());
  value_.number = negative ? -duration->count() : duration->count();
  return within_bounds(node);
}

bool ValueReader::within_bounds(const Node& node) {
  if (value_.number >= row_.min && value_.number <= row_.max) return true;
  const auto written = [this](std::int64_t number) {
    if (row_.type == OptionType::kDuration) {
      return format_duration(std::chrono::milliseconds(number));
    }
    if (row_.type == OptionType::kSize) return format_size(static_cast<std::uint64_t>(number));
    return std::to_string(number);
  };
  const bool bounded = row_.max != std::numeric_limits<std::int64_t>::max();
  return complain(node, ErrorCode::kBadValue, written(value_.number) + " is out of range",
                  bounded ? "from " + written(row_.min) + " to " + written(row_.max)
                          : written(row_.min) + " or more");
}

bool ValueReader::read_enum(const Node& node) {
  const std::vector<std::string_view> choices = split(row_.choices, '|');
  if (node.kind == Node::Kind::kBool) {  // an option that is off or one of several things
    value_.text = number_text(node);
    if (std::find(choices.begin(), choices.end(), value_.text) != choices.end()) return true;
  }
  if (!is_text(node)) return wrong_kind(node);
  if (std::find(choices.begin(), choices.end(), node.text) != choices.end()) {
    value_.text = node.text;
    return true;
  }
  const std::string meant = did_you_mean(node.text, choices);
  return complain(node, ErrorCode::kBadValue, quoted(node.text, 60) + " is not a choice",
                  meant.empty() ? "choose " + alternatives(choices) : meant);
}

bool ValueReader::read_text(const Node& node) {
  if (!is_text(node)) return wrong_kind(node);
  value_.text = node.text;
  return true;
}

// "a, b" of an override is two.
bool ValueReader::read_texts(const Node& node) {
  bool good = true;
  if (is_text(node)) {
    for (const std::string_view part : split(node.text, ',')) {
      if (!trim(part).empty()) good &= read_listed_text(node, trim(part));
    }
    return good;
  }
  if (node.kind != Node::Kind::kArray) return wrong_kind(node);
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::kString) {
      good = wrong_kind(item);
    } else {
      good &= sound_text(item) && read_listed_text(item, item.text);
    }
  }
  return good;
}

bool ValueReader::read_listed_text(const Node& node, std::string_view text) {
  if (row_.type == OptionType::kNetworks) {
    const auto fine = Networks::check(text);
    if (!fine) return complain(node, fine.error());
  }
  value_.texts.emplace_back(text);
  return true;
}

bool ValueReader::read_certificates(const Node& node) {
  if (node.kind == Node::Kind::kOverride && node.text.empty()) return true;
  if (node.kind != Node::Kind::kArray) return wrong_kind(node);
  bool good = true;
  for (const Node& item : node.items)
    good = read_certificate(item) && good;
  return good;
}

bool ValueReader::read_certificate(const Node& item) {
  if (item.kind != Node::Kind::kTable) return wrong_kind(item);
  bool good = true;
  std::string certificate, key;
  for (const Node& field : item.items) {
    const bool known = field.key == "cert" || field.key == "key";
    if (!known) {
      report_.add(field.key_place, ErrorCode::kUnknownKey, "unknown key " + quoted(field.key, 60),
                  "a certificate has cert and key");
      good = false;
    } else if (field.kind != Node::Kind::kString) {
      good = complain(field, ErrorCode::kBadType, field.key + ": expected a path in quotes");
    } else if (sound_text(field)) {
      (field.key == "cert" ? certificate : key) = field.text;
    } else {
      good = false;
    }
  }
  if (good && certificate.empty()) {
    return complain(item, ErrorCode::kBadValue, "a certificate without its file",
                    "write { cert = \"server.pem\", key = \"server.key\" }");
  }
  value_.texts.push_back(std::move(certificate));
  value_.texts.push_back(std::move(key));
  value_.places.push_back(report_.where(item.place));
  return good;
}

bool ValueReader::read_endpoints(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kString:
      return read_endpoint(node, node.text);
    case Node::Kind::kInteger:
      return read_endpoint(node, std::to_string(node.number));
    case Node::Kind::kOverride:
      return read_endpoint_text(node);
    case Node::Kind::kArray:
      break;
    default:
      return wrong_kind(node);
  }
  if (node.items.empty() && row_.name == "listen") {
    return complain(node, ErrorCode::kBadValue, "the list is empty",
                    "to switch it off, write enabled = false");
  }
  bool good = true;
  for (const Node& item : node.items) {
    if (item.kind == Node::Kind::kString) {
      good &= sound_text(item) && read_endpoint(item, item.text);
    } else if (item.kind == Node::Kind::kInteger) {
      good &= read_endpoint(item, std::to_string(item.number));
    } else {
      good = complain(item, ErrorCode::kBadType,
                      "expected an endpoint like \"localhost:8080\", got " + got(item, row_));
    }
  }
  return good;
}

// "[::1]:80" is an endpoint and "[80, 81]" is a list.
bool looks_like_toml_array(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return false;
  const std::string_view inner = trim(text.substr(1, text.size() - 2));
  return inner.starts_with('"') || inner.starts_with('\'') ||
         inner.find(':') == std::string_view::npos;
}

void set_place(Node& node, const Place& place) {
  node.place = place;
  for (Node& item : node.items)
    set_place(item, place);
}

bool ValueReader::read_endpoint_text(const Node& node) {
  const std::string_view text = trim(node.text);
  Node list{.kind = Node::Kind::kArray, .key_place = node.key_place, .place = node.place};
  if (looks_like_toml_array(text)) {
    auto parsed = read_toml("list = " + std::string(text));
    if (!parsed) {
      return complain(node, ErrorCode::kSyntax, quoted(text, 60) + " is not a TOML array",
                      "write [\"localhost:8080\", \"localhost:8081\"]");
    }
    list = std::move(parsed->items.front());
    set_place(list, node.place);
  } else {
    for (const std::string_view part : split(text, ',')) {
      list.items.push_back(
          {.kind = Node::Kind::kString, .place = node.place, .text = std::string(trim(part))});
    }
  }
  return read_endpoints(list);
}

bool ValueReader::read_endpoint(const Node& node, std::string_view text) {
  const auto* const door = rules_.door;
  auto endpoint = parse_endpoint(text, door != nullptr ? door->fallback : Transport::kTcp);
  if (!endpoint) return complain(node, endpoint.error());
  if (door != nullptr && !contains(door->transports, endpoint->transport)) {
    std::vector<std::string_view> spoken;
    for (const Transport transport : kAllTransports) {
      if (contains(door->transports, transport)) spoken.push_back(name(transport));
    }
    return complain(
        node, ErrorCode::kBadValue,
        std::string(rules_.type) + " does not speak " + std::string(name(endpoint->transport)),
        "it speaks " + alternatives(spoken));
  }
  if (!listed_.insert(endpoint->text()).second) {
    return complain(node, ErrorCode::kConflict, quoted(text) + " is listed twice", "remove one");
  }
  value_.endpoints.push_back(std::move(*endpoint));
  value_.places.push_back(report_.where(node.place));
  return true;
}

}  // namespace

std::optional<OptionValues::Value> read_value(const Node& node, const OptionSpec& row,
                                              const EndpointRules& rules, Report& report) {
  ValueReader reader(row, rules, report);
  if (!reader.read(node)) return std::nullopt;
  OptionValues::Value value = reader.take();
  value.where = report.where(node.place);
  value.is_default = false;
  return value;
}

}  // namespace polyport
