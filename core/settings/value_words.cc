#include "core/settings/value_words.h"

#include <algorithm>
#include <vector>

#include "core/base/text.h"
#include "core/base/units.h"

namespace polyport {

std::string alternatives(std::span<const std::string_view> list) {
  std::string text;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) text += i + 1 == list.size() ? " or " : ", ";
    text += list[i];
  }
  return text;
}

std::string expected(const OptionSpec& row) {
  switch (row.type) {
    case OptionType::kBool:
      return "true or false";
    case OptionType::kInt:
      return row.choices.empty()
                 ? "an integer"
                 : "an integer or " + alternatives(split(row.choices, '|')) + " in quotes";
    case OptionType::kSize:
      return "a size like \"64KiB\"";
    case OptionType::kDuration:
      return "a duration like \"10s\"";
    case OptionType::kEnum:
      return alternatives(split(row.choices, '|')) + " in quotes";
    case OptionType::kString:
    case OptionType::kSecret:
      return "a text in quotes";
    case OptionType::kPath:
      return "a path in quotes";
    case OptionType::kStrings:
      return "a text in quotes or a list of them";
    case OptionType::kNetworks:
      return "a network like \"10.0.0.0/8\" or a list of them";
    case OptionType::kCertificates:
      return "a list like [{ cert = \"a.pem\", key = \"a.key\" }]";
    case OptionType::kEndpoints:
      break;
  }
  return "an endpoint like \"localhost:8080\" or a list of them";
}

std::string number_text(const Node& node) {
  if (node.kind == Node::Kind::kFloat) return node.text;
  if (node.kind == Node::Kind::kBool) return node.number != 0 ? "true" : "false";
  return std::to_string(node.number);
}

std::string got(const Node& node, const OptionSpec& row) {
  const std::string shown = row.type == OptionType::kSecret ? "" : " " + number_text(node);
  switch (node.kind) {
    case Node::Kind::kTable:
      return "a table";
    case Node::Kind::kArray:
      return "a list";
    case Node::Kind::kString:
      return "the string " + quoted(node.text, 60);
    case Node::Kind::kInteger:
      return "the integer" + shown;
    case Node::Kind::kFloat:
      return "the number" + shown;
    case Node::Kind::kBool:
      return "the boolean" + shown;
    case Node::Kind::kDate:
      return "a date or time";
    case Node::Kind::kOverride:
      break;
  }
  return quoted(node.text, 60);
}

std::string remedy(const Node& node, const OptionSpec& row) {
  const bool quotes = node.kind == Node::Kind::kString;
  const bool integer = node.kind == Node::Kind::kInteger && node.number >= 0;
  const std::string number = number_text(node);
  if (row.type == OptionType::kBool) {
    return quotes && (node.text == "true" || node.text == "false")
               ? "write " + node.text + ", without quotes"
               : "";
  }
  if (row.type == OptionType::kInt) {
    return quotes && parse_number(node.text) ? "write " + node.text + ", without quotes" : "";
  }
  if (row.type == OptionType::kDuration && (integer || node.kind == Node::Kind::kFloat)) {
    return "write " + quoted(number + "s") + ", not " + number;
  }
  if (row.type == OptionType::kSize && integer) {
    return "write " + quoted(format_size(static_cast<std::uint64_t>(node.number))) + ", not " +
           number;
  }
  const bool scalar = node.kind == Node::Kind::kInteger || node.kind == Node::Kind::kFloat ||
                      node.kind == Node::Kind::kBool;
  if (row.type == OptionType::kSecret) return scalar ? "write it in quotes" : "";
  if (!scalar) return "";
  const std::vector<std::string_view> choices = split(row.choices, '|');
  const bool choice = std::find(choices.begin(), choices.end(), number) != choices.end();
  const bool text = row.type == OptionType::kString || row.type == OptionType::kPath;
  return text || (row.type == OptionType::kEnum && choice) ? "write " + quoted(number) : "";
}

}  // namespace polyport
