// Reading JSON (RFC 8259): the one place of the library that does it. Never on a hot path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"

namespace polyport {

// Is it one JSON text, as a whole, in UTF-8? Needs no stack for deep nesting and throws nothing.
bool is_json(Bytes text);

struct JsonValue {
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool truth = false;
  double number = 0;
  std::string text;
  std::string name;              // of a member of an object
  std::vector<JsonValue> items;  // of an array; of an object its members, each with its name

  // The first member of that name. Null where there is none, or this is no object.
  const JsonValue* find(std::string_view wanted) const;
  // The text of such a member; empty where it is not there or no string.
  std::string_view text_of(std::string_view wanted) const;
};

inline constexpr std::size_t kMaxJsonDepth = 32;

// The text as a tree, or nothing where it is not JSON or nests deeper than kMaxJsonDepth. How much
// memory it takes is bounded by the text, which the caller bounds.
std::optional<JsonValue> read_json(Bytes text);

}  // namespace polyport
