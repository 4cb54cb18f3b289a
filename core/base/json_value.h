// Reading JSON (RFC 8259): the one place of the library that does it. Never on a hot path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
  std::vector<JsonValue> items;
  std::vector<std::pair<std::string, JsonValue>> members;  // as written; a name may come twice

  // The first member of that name. Null where there is none, or this is no object.
  const JsonValue* find(std::string_view name) const;
  // The text of such a member; empty where it is not there or no string.
  std::string_view text_of(std::string_view name) const;
};

inline constexpr std::size_t kMaxJsonDepth = 32;

// The text as a tree, or nothing where it is not JSON or nests deeper than kMaxJsonDepth. How much
// memory it takes is bounded by the text, which the caller bounds.
std::optional<JsonValue> read_json(Bytes text);

}  // namespace polyport
