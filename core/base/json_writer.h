// JsonWriter: JSON (RFC 8259) written value by value to the end of a string.
//
// No tree is built and nothing but the string is allocated, so it is fit for the path of a request.
// Commas come by themselves. Using it out of order (a value in an object without a key, an end that
// does not match) is a bug and aborts. It does not parse.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace polyport {

// Appends `bytes` as a JSON string with its quotes. Control characters are escaped; each byte that
// is not UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, Bytes bytes);
// The same as a string of its own; also a TOML basic string, which escapes as JSON does.
std::string json_string(Bytes bytes);

class JsonWriter {
 public:
  enum class Style : std::uint8_t { kCompact, kIndented };
  static constexpr unsigned kMaxDepth = 64;

  // `out` must outlive the writer and keeps what it already holds.
  explicit JsonWriter(std::string& out, Style style = Style::kCompact) : out_(out), style_(style) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void begin_object() { begin('{', Nest::kObject); }
  void end_object() { end('}', Nest::kObject); }
  void begin_array() { begin('[', Nest::kArray); }
  void end_array() { end(']', Nest::kArray); }
  // The name of the next value. Inside an object only.
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(bool truth);
  void value(std::nullptr_t);
  void value(double number);  // infinities and NaN, which JSON lacks, become null
  template <std::integral Number>
  requires(!std::same_as<Number, bool> && !std::same_as<Number, char>) void value(Number number) {
    if constexpr (std::signed_integral<Number>) {
      write_integer(static_cast<std::int64_t>(number));
    } else {
      write_integer(static_cast<std::uint64_t>(number));
    }
  }
  // A value that is JSON already.
  void raw(std::string_view json);

  // key() and value() in one.
  template <class Value>
  void field(std::string_view name, const Value& content) {
    key(name);
    value(content);
  }

  // Everything that was begun has ended, and something was written.
  bool complete() const { return depth_ == 0 && any_at_top_; }

 private:
  enum class Nest : std::uint8_t { kArray, kObject };

  void begin(char bracket, Nest nest);
  void end(char bracket, Nest nest);
  void before_value();
  void before_item();
  void new_line();
  void write_integer(std::int64_t number);
  void write_integer(std::uint64_t number);
  bool in_object() const { return depth_ > 0 && (objects_ & innermost()) != 0; }
  std::uint64_t innermost() const { return std::uint64_t{1} << (depth_ - 1); }

  std::string& out_;
  std::uint64_t objects_ = 0;  // bit d: the nest at depth d is an object
  std::uint64_t started_ = 0;  // bit d: it holds an item already
  unsigned depth_ = 0;
  Style style_;
  bool after_key_ = false;
  bool any_at_top_ = false;
};

}  // namespace polyport
