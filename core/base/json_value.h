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

// A JSON text as a tree. Asking a value for what it is not gives nothing (an empty text, no number,
// no item) and never fails: whoever reads somebody else's JSON checks each field anyway.
class JsonValue {
 public:
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
  static constexpr std::size_t kMaxDepth = 64;

  // Nothing where it is no JSON text, or nests deeper than kMaxDepth.
  static std::optional<JsonValue> parse(Bytes text);

  Kind kind() const { return kind_; }
  std::string_view text() const { return text_; }  // of a string
  std::optional<std::int64_t> integer() const;     // of a number that is one
  bool is_true() const { return kind_ == Kind::kBool && number_ != 0; }
  // The values of an array or an object, in order.
  const std::vector<JsonValue>& items() const { return items_; }
  std::string_view key() const { return key_; }  // of a value inside an object
  // The member of an object, the last of that name; null where there is none.
  const JsonValue* find(std::string_view key) const;
  // Its text; empty where there is none or it is no string.
  std::string_view text_of(std::string_view key) const;

 private:
  friend class JsonTreeBuilder;
  Kind kind_ = Kind::kNull;
  bool integral_ = false;
  std::int64_t number_ = 0;
  std::string text_;
  std::string key_;
  std::vector<JsonValue> items_;
};

}  // namespace polyport
