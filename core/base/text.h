// Text: the small operations on bytes and words that many parts need.
//
// Pure functions. "Control characters" are those of Unicode (C0, DEL, C1) together with the marks
// that reorder a line on a terminal (U+202A to U+202E, U+2066 to U+2069): bytes from a peer or a
// file may use them to lie to whoever reads a log. Letters are compared and changed in ASCII only.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"

namespace polyport {

// Without the ASCII white space at both ends. A part of `text`.
std::string_view trim(std::string_view text);
// The parts between the separators, empty ones too: "a,,b" is three, "" is one. Parts of `text`.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string to_lower(std::string_view text);
bool equals_ignoring_case(std::string_view left, std::string_view right);

// The decimal number that `text` is as a whole, if it lies in min..max. No white space, no "+".
template <std::integral Number = std::int64_t>
std::optional<Number> parse_number(std::string_view text,
                                   Number min = std::numeric_limits<Number>::min(),
                                   Number max = std::numeric_limits<Number>::max()) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number < min || number > max) return std::nullopt;
  return number;
}

// The length of the UTF-8 sequence that starts at bytes[at], 1 to 4, or 0 where none does: overlong
// forms, surrogates and what lies above U+10FFFF are none.
std::size_t utf8_length(Bytes bytes, std::size_t at);
bool is_utf8(Bytes bytes);
// The first character beyond ASCII, whole (a byte that is not UTF-8 stands for itself); empty where
// there is none. A part of `bytes`.
Bytes first_beyond_ascii(Bytes bytes);

// Without control characters (tabs stay) and with U+FFFD for each byte that is not UTF-8: fit to be
// sent on to other people's terminals.
std::string without_controls(Bytes bytes);

// As one line that shows every byte: control characters and what is not UTF-8 as \n, \t, \x1b or
// \u202e, a backslash doubled. What lies past `limit` bytes of the input is left out and marked
// "...".
std::string printable(Bytes bytes, std::size_t limit = std::string_view::npos);
// The same between double quotes, those inside escaped.
std::string quoted(Bytes bytes, std::size_t limit = 200);

// A word as a shell takes it, on one line and fit for a terminal: plain, between single quotes, or,
// where there are control characters or bytes that are not UTF-8, as $'...' with those escaped.
std::string shell_word(std::string_view word);
// A path as such a word that begins no option; nothing where it cannot be shown as it is.
std::optional<std::string> shell_path(const std::string& path);

// The candidate that a person most likely meant: near by spelling (a few letters wrong, missing,
// added or swapped) or the only one that begins so. Empty where none is near.
std::string_view nearest_name(std::string_view wanted,
                              std::span<const std::string_view> candidates);
// `did you mean "listen"?`, or empty.
std::string did_you_mean(std::string_view wanted, std::span<const std::string_view> candidates);

}  // namespace polyport
