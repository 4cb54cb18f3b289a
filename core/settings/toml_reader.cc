#include "core/settings/toml_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "core/base/text.h"
#include "core/settings/toml_scan.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#define TOML_MAX_NESTED_VALUES 16  // of arrays and inline tables; a setting needs two
// A text like "[:" fails an assertion of the library, which is an assumption where NDEBUG is
// defined, although an error message stands right behind it. With neither, the message is reached.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

namespace polyport {

namespace {

// What lies deeper than this is of no setting; its kind alone is kept.
constexpr int kMaxDepth = 6;

tl::unexpected<TomlError> refused(Place place, std::string what, std::string hint) {
  return tl::unexpected(
      TomlError{place, {ErrorCode::kSyntax, std::move(what), {}, std::move(hint)}});
}

Place place_of(const toml::source_region& source) {
  return {0, source.begin.line, source.begin.column};
}

Node::Kind kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return Node::Kind::kTable;
    case toml::node_type::array:
      return Node::Kind::kArray;
    case toml::node_type::string:
      return Node::Kind::kString;
    case toml::node_type::integer:
      return Node::Kind::kInteger;
    case toml::node_type::floating_point:
      return Node::Kind::kFloat;
    case toml::node_type::boolean:
      return Node::Kind::kBool;
    default:
      return Node::Kind::kDate;
  }
}

std::string float_text(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

Node convert(const toml::node& source, int depth) {
  Node node;
  node.kind = kind_of(source);
  node.place = place_of(source.source());
  if (const auto* text = source.as_string()) node.text = text->get();
  if (const auto* number = source.as_integer()) node.number = number->get();
  if (const auto* truth = source.as_boolean()) node.number = truth->get() ? 1 : 0;
  if (const auto* real = source.as_floating_point()) node.text = float_text(real->get());
  if (depth == kMaxDepth) return node;
  if (const toml::array* array = source.as_array()) {
    for (const toml::node& item : *array)
      node.items.push_back(convert(item, depth + 1));
  }
  if (const toml::table* table = source.as_table()) {
    for (const auto& [key, value] : *table) {
      Node& item = node.items.emplace_back(convert(value, depth + 1));
      item.key = std::string(key.str());
      item.key_place = place_of(key.source());
    }
    // The library sorts a table by its keys.
    std::sort(node.items.begin(), node.items.end(),
              [](const Node& a, const Node& b) { return a.key_place < b.key_place; });
  }
  return node;
}

struct Advice {
  std::string_view symptom;  // a part of what the library says
  std::string_view what;     // in our words; empty: the library's are clear
  std::string_view hint;
};

constexpr std::array<Advice, 9> kAdvice{{
    {"could not determine value type", "this is no value", "a text stands in quotes: \"http\""},
    {"parsing string: unescaped control", "the text does not end in its line",
     "is the closing quote missing?"},
    {"parsing string: encountered end-of-file", "the text does not end",
     "is the closing quote missing?"},
    {"cannot redefine existing table", "",
     "join the two; a second service needs another name and a line type = \"...\""},
    {"cannot redefine existing", "", "keep one; several endpoints are a list: [\"...\", \"...\"]"},
    {"maximum nested value depth", "the lists are nested too deeply", "a setting needs one list"},
    {"invalid utf-8", "the text is not UTF-8", "save the file as UTF-8"},
    {"expected '='", "", "a line is KEY = VALUE, or [SECTION]"},
    {"expected ']'", "", "is a closing bracket missing?"},
}};

std::string_view without_prefix(std::string_view text, std::string_view start) {
  if (text.starts_with(start)) text.remove_prefix(start.size());
  return text;
}

tl::unexpected<TomlError> syntax_error(const toml::parse_error& error) {
  const std::string_view said = error.description();
  const auto known = std::find_if(kAdvice.begin(), kAdvice.end(), [&](const Advice& advice) {
    return said.find(advice.symptom) != std::string_view::npos;
  });
  const bool advised = known != kAdvice.end();
  std::string what(without_prefix(said, "Error while parsing "));
  if (advised) what = known->what.empty() ? said.substr(said.find(known->symptom)) : known->what;
  // The library quotes keys, and a key may hold anything.
  return refused(place_of(error.source()), "not TOML: " + without_controls(what),
                 advised ? std::string(known->hint) : "");
}

}  // namespace

tl::expected<Node, TomlError> read_toml(std::string_view text) {
  if (text.size() > kMaxConfigBytes) {
    return refused(
        {}, "a configuration of " + std::to_string(text.size()) + " bytes is larger than 1 MiB",
        "is this the right file?");
  }
  if (auto found = scan_toml(text)) return tl::unexpected(std::move(*found));
  const toml::parse_result result = toml::parse(text, std::string_view{});
  if (!result) return syntax_error(result.error());
  return convert(result.table(), 0);
}

}  // namespace polyport
