#include "core/base/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace polyport {

namespace {

bool needs_escape(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == '"' || character == '\\';
}

void append_escaped(std::string& out, char character) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '\\';
  switch (character) {
    case '"':
    case '\\':
      out += character;
      return;
    case '\n':
      out += 'n';
      return;
    case '\r':
      out += 'r';
      return;
    case '\t':
      out += 't';
      return;
    default:
      out += "u00";
      out += kHex[static_cast<unsigned char>(character) >> 4];
      out += kHex[static_cast<unsigned char>(character) & 0xFu];
  }
}

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  out.append(buffer.data(), result.ptr);
}

}  // namespace

void append_json_string(std::string& out, Bytes bytes) {
  out += '"';
  std::size_t pending = 0;  // bytes[pending..at) need no change and are appended in one go
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t length = needs_escape(bytes[at]) ? 0 : utf8_length(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    out += bytes.substr(pending, at - pending);
    if (needs_escape(bytes[at])) {
      append_escaped(out, bytes[at]);
    } else {
      out += "\xEF\xBF\xBD";
    }
    pending = ++at;
  }
  out += bytes.substr(pending);
  out += '"';
}

std::string json_string(Bytes bytes) {
  std::string out;
  append_json_string(out, bytes);
  return out;
}

void JsonWriter::key(std::string_view name) {
  POLYPORT_ASSERT(in_object() && !after_key_);
  before_item();
  append_json_string(out_, name);
  out_ += ':';
  if (style_ == Style::kIndented) out_ += ' ';
  after_key_ = true;
}

void JsonWriter::value(std::string_view text) {
  before_value();
  append_json_string(out_, text);
}

void JsonWriter::value(bool truth) {
  before_value();
  out_ += truth ? "true" : "false";
}

void JsonWriter::value(std::nullptr_t) {
  before_value();
  out_ += "null";
}

void JsonWriter::value(double number) {
  if (!std::isfinite(number)) return value(nullptr);
  before_value();
  append_number(out_, number);
}

void JsonWriter::raw(std::string_view json) {
  before_value();
  out_ += json;
}

void JsonWriter::begin(char bracket, Nest nest) {
  before_value();
  POLYPORT_ASSERT(depth_ < kMaxDepth);
  out_ += bracket;
  ++depth_;
  started_ &= ~innermost();
  objects_ = nest == Nest::kObject ? objects_ | innermost() : objects_ & ~innermost();
}

void JsonWriter::end(char bracket, Nest nest) {
  POLYPORT_ASSERT(depth_ > 0 && !after_key_ && in_object() == (nest == Nest::kObject));
  const bool any = (started_ & innermost()) != 0;
  --depth_;
  if (any && style_ == Style::kIndented) new_line();
  out_ += bracket;
}

void JsonWriter::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  POLYPORT_ASSERT(!in_object());
  before_item();
}

void JsonWriter::before_item() {
  if (depth_ == 0) {
    POLYPORT_ASSERT(!any_at_top_);
    any_at_top_ = true;
    return;
  }
  if ((started_ & innermost()) != 0) out_ += ',';
  started_ |= innermost();
  if (style_ == Style::kIndented) new_line();
}

void JsonWriter::new_line() {
  out_ += '\n';
  out_.append(2 * std::size_t{depth_}, ' ');
}

void JsonWriter::write_integer(std::int64_t number) {
  before_value();
  append_number(out_, number);
}

void JsonWriter::write_integer(std::uint64_t number) {
  before_value();
  append_number(out_, number);
}

}  // namespace polyport
