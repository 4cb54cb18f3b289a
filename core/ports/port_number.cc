#include "core/ports/port_number.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"
#include "core/ports/port_names.h"

namespace polyport {
namespace {

constexpr std::string_view kBounds = "ports are 0 to 65535";
constexpr std::size_t kShown = 60;
constexpr std::size_t kShownDigits = 20;

tl::unexpected<Error> bad(std::string what, std::string hint = std::string(kBounds)) {
  return failure(ErrorCode::kBadValue, std::move(what), {}, std::move(hint));
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// "write 80", where the digits are a port in that base.
std::string instead(std::string_view digits, int base) {
  std::uint16_t port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port, base);
  if (error != std::errc() || stop != end) return std::string(kBounds);
  return "write " + std::to_string(port);
}

bool is_hexadecimal(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return false;
  return text.size() > 2 &&
         text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
}

tl::unexpected<Error> no_number(std::string_view text) {
  const std::string shown = "the port " + quoted(text, kShown);
  if (text.front() == '-' && all_digits(text.substr(1))) {
    return bad("port " + printable(text, kShownDigits) + " is below 0");
  }
  if (text.front() == '+' && all_digits(text.substr(1))) {
    return bad(shown + " has a sign", instead(text.substr(1), 10));
  }
  if (is_hexadecimal(text)) return bad(shown + " is hexadecimal", instead(text.substr(2), 16));
  if (const std::string_view letter = first_beyond_ascii(text); !letter.empty()) {
    return bad(shown + " has a character that no port has: " + quoted(letter),
               "write it with the digits 0 to 9");
  }
  if (text == "*") return bad(shown + " is not a number", "0 asks the system for any free port");
  const std::string name = to_lower(text);
  const auto known = well_known_port(name);
  return bad(
      shown + " is not a number",
      known ? "the port of " + name + " is " + std::to_string(*known) : std::string(kBounds));
}

}  // namespace

Result<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty()) return bad("the port is missing");
  if (!all_digits(text)) return no_number(text);
  if (text.size() > 1 && text.front() == '0') {
    const std::string write = instead(text, 10);
    return bad("port " + printable(text, kShownDigits) + " begins with a zero",
               write == kBounds ? write : write + "; some programs read a leading zero as octal");
  }
  const auto number = parse_number<std::uint16_t>(text);
  if (!number) return bad("port " + printable(text, kShownDigits) + " is over 65535");
  return *number;
}

}  // namespace polyport
