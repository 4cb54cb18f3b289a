// is_json: one pass over the bytes (RFC 8259), which makes nothing of them. /echo asks it of every
// body, so it is our own; whoever wants the values has JsonValue.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/json_scan.h"
#include "core/base/json_value.h"
#include "core/base/text.h"

namespace polyport {

namespace {

// The arrays and objects that have not ended, a bit for each: as deep as a text likes.
class OpenBrackets {
 public:
  void push(bool is_object) {
    if (depth_++ % 64 == 0) words_.push_back(0);
    const std::uint64_t bit = std::uint64_t{1} << ((depth_ - 1) % 64);
    words_.back() = is_object ? words_.back() | bit : words_.back() & ~bit;
  }
  void pop() {
    if (--depth_ % 64 == 0) words_.pop_back();
  }
  bool empty() const { return depth_ == 0; }
  bool in_object() const { return (words_.back() >> ((depth_ - 1) % 64) & 1) != 0; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t depth_ = 0;
};

class JsonCheck {
 public:
  explicit JsonCheck(Bytes text) : text_(text) {}

  bool whole() {
    for (;;) {
      bool begins_more = false;
      if (!read_value(begins_more)) return false;
      if (begins_more) continue;
      bool goes_on = false;
      if (!read_what_follows(goes_on)) return false;
      if (!goes_on) return true;
    }
  }

 private:
  // A value, or the beginning of one that holds more.
  bool read_value(bool& begins_more) {
    skip_space();
    if (take('{')) {
      skip_space();
      if (take('}')) return true;
      open_.push(true);
      begins_more = true;
      return read_key();
    }
    if (take('[')) {
      skip_space();
      if (take(']')) return true;
      open_.push(false);
      begins_more = true;
      return true;
    }
    return read_scalar();
  }

  // What stands behind a value: brackets that end, and then a comma or the end of the text.
  bool read_what_follows(bool& goes_on) {
    for (;;) {
      skip_space();
      if (open_.empty()) return at_ == text_.size();
      if (take(',')) {
        goes_on = true;
        return !open_.in_object() || read_key();
      }
      if (!take(open_.in_object() ? '}' : ']')) return false;
      open_.pop();
    }
  }

  bool read_key() {
    skip_space();
    if (!read_string()) return false;
    skip_space();
    return take(':');
  }

  bool read_scalar() {
    if (at_ == text_.size()) return false;
    switch (text_[at_]) {
      case '"':
        return read_string();
      case 't':
        return take_word("true");
      case 'f':
        return take_word("false");
      case 'n':
        return take_word("null");
      default:
        return read_number();
    }
  }

  bool read_string() {
    if (!take('"')) return false;
    for (;;) {
      at_ = end_of_plain_json(text_, at_);
      if (take('"')) return true;
      if (take('\\')) {
        if (!read_escape()) return false;
        continue;
      }
      if (at_ == text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      const std::size_t length = utf8_length(text_, at_);
      if (length == 0) return false;
      at_ += length;
    }
  }

  bool read_escape() {
    if (take('u')) {
      const int unit = read_hex();
      if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return false;
      if (unit < 0xD800 || unit > 0xDBFF) return true;
      if (!take('\\') || !take('u')) return false;  // the other half of a pair
      const int low = read_hex();
      return low >= 0xDC00 && low <= 0xDFFF;
    }
    if (at_ == text_.size()) return false;
    return Bytes("\"\\/bfnrt").find(text_[at_++]) != Bytes::npos;
  }

  // Four hexadecimal digits, or -1.
  int read_hex() {
    int value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ == text_.size()) return -1;
      const char digit = text_[at_];
      const char letter = static_cast<char>(digit | 0x20);
      if (is_digit(digit)) {
        value = value * 16 + (digit - '0');
      } else if (letter >= 'a' && letter <= 'f') {
        value = value * 16 + (letter - 'a' + 10);
      } else {
        return -1;
      }
    }
    return value;
  }

  bool read_number() {
    const std::size_t start = at_;
    take('-');
    if (!take('0') && !take_digits()) return false;
    if (take('.') && !take_digits()) return false;
    const bool has_exponent = take('e') || take('E');
    if (has_exponent) {
      if (!take('+')) take('-');
      if (!take_digits()) return false;
    }
    // A number that no double can hold is none to most readers.
    constexpr std::size_t kSurelyFinite = 300;
    const Bytes number = text_.substr(start, at_ - start);
    return (!has_exponent && number.size() < kSurelyFinite) ||
           std::isfinite(std::strtod(std::string(number).c_str(), nullptr));
  }

  static bool is_digit(char character) { return character >= '0' && character <= '9'; }
  bool take_digits() {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_digit(text_[at_]))
      ++at_;
    return at_ > start;
  }
  bool take(char wanted) {
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool take_word(Bytes word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  Bytes text_;
  std::size_t at_ = 0;
  OpenBrackets open_;
};

}  // namespace

bool is_json(Bytes text) {
  constexpr Bytes kByteOrderMark = "\xEF\xBB\xBF";  // may be ignored (section 8.1)
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return JsonCheck(text).whole();
}

}  // namespace polyport
