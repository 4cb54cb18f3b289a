#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace polyport {

namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n\f\v";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t kLongestName = 64;

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

unsigned char byte_at(Bytes bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

bool is_continuation(Bytes bytes, std::size_t at) {
  return (byte_at(bytes, at) & 0xC0u) == 0x80u;
}

// The code point of the sequence of `length` bytes that utf8_length() has accepted.
std::uint32_t code_point(Bytes bytes, std::size_t at, std::size_t length) {
  constexpr std::array<std::uint32_t, 5> kLeadBits{0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t point = byte_at(bytes, at) & kLeadBits[length];
  for (std::size_t i = 1; i < length; ++i)
    point = point << 6 | (byte_at(bytes, at + i) & 0x3Fu);
  return point;
}

bool is_control(std::uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point <= 0x9F) || (point >= 0x202A && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

void append_escape(std::string& out, const char* form, unsigned value) {
  std::array<char, 12> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), form, value);
  out.append(buffer.data(), static_cast<std::size_t>(length));
}

void append_printable(std::string& out, Bytes bytes, char quote) {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = utf8_length(bytes, at);
    if (length == 0) {
      append_escape(out, "\\x%02x", byte_at(bytes, at));
      ++at;
      continue;
    }
    const std::uint32_t point = code_point(bytes, at, length);
    if (point == '\\' || (quote != '\0' && bytes[at] == quote)) {
      out += '\\';
      out += bytes[at];
    } else if (point == '\n') {
      out += "\\n";
    } else if (point == '\r') {
      out += "\\r";
    } else if (point == '\t') {
      out += "\\t";
    } else if (is_control(point)) {
      append_escape(out, length == 1 ? "\\x%02x" : "\\u%04x", point);
    } else {
      out += bytes.substr(at, length);
    }
    at += length;
  }
}

// `bytes` cut to at most `limit`, not inside a UTF-8 sequence.
Bytes cut(Bytes bytes, std::size_t limit) {
  if (bytes.size() <= limit) return bytes;
  std::size_t end = limit;
  while (end > 0 && limit - end < 3 && is_continuation(bytes, end))
    --end;
  return bytes.substr(0, end);
}

// Damerau-Levenshtein (optimal string alignment) in lower case, of names that are not too long.
std::size_t distance(std::string_view left, std::string_view right) {
  std::array<std::size_t, kLongestName + 1> before{};
  std::array<std::size_t, kLongestName + 1> last{};
  std::array<std::size_t, kLongestName + 1> row{};
  for (std::size_t j = 0; j <= right.size(); ++j)
    last[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const bool same = lower(left[i - 1]) == lower(right[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0u : 1u)});
      const bool swapped = i > 1 && j > 1 && lower(left[i - 1]) == lower(right[j - 2]) &&
                           lower(left[i - 2]) == lower(right[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[right.size()];
}

std::size_t common_start(std::string_view left, std::string_view right) {
  std::size_t length = 0;
  while (length < left.size() && length < right.size() &&
         lower(left[length]) == lower(right[length])) {
    ++length;
  }
  return length;
}

// The one candidate that begins with `wanted` or that `wanted` begins with: "idle" for
// idle_timeout, "warning" for warn. Empty where there are several.
std::string_view only_extension(std::string_view wanted,
                                std::span<const std::string_view> candidates) {
  std::string_view only;
  for (const std::string_view candidate : candidates) {
    const std::size_t shorter = std::min(wanted.size(), candidate.size());
    if (shorter < 3 || common_start(wanted, candidate) < shorter) continue;
    if (!only.empty()) return {};
    only = candidate;
  }
  return only;
}

}  // namespace

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return text.substr(0, 0);
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::size_t utf8_length(Bytes bytes, std::size_t at) {
  const unsigned lead = byte_at(bytes, at);
  if (lead < 0x80) return 1;
  // C0, C1 and F5 to FF begin nothing; what E0, ED, F0 and F4 may be followed by is narrower.
  const std::size_t length = lead < 0xC2   ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || length > bytes.size() - at) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(bytes, at + i)) return 0;
  }
  const unsigned second = byte_at(bytes, at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second >= 0xA0;
  const bool too_high = lead == 0xF4 && second >= 0x90;
  return overlong || surrogate || too_high ? 0 : length;
}

bool is_utf8(Bytes bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = utf8_length(bytes, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

Bytes first_beyond_ascii(Bytes bytes) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (byte_at(bytes, at) >= 0x80) {
      return bytes.substr(at, std::max<std::size_t>(utf8_length(bytes, at), 1));
    }
  }
  return {};
}

std::string without_controls(Bytes bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = utf8_length(bytes, at);
    if (length == 0) {
      out += kReplacement;
      ++at;
      continue;
    }
    const std::uint32_t point = code_point(bytes, at, length);
    if (point == '\t' || !is_control(point)) out += bytes.substr(at, length);
    at += length;
  }
  return out;
}

std::string printable(Bytes bytes, std::size_t limit) {
  const Bytes shown = cut(bytes, limit);
  std::string out;
  append_printable(out, shown, '\0');
  if (shown.size() < bytes.size()) out += "...";
  return out;
}

std::string quoted(Bytes bytes, std::size_t limit) {
  const Bytes shown = cut(bytes, limit);
  std::string out = "\"";
  append_printable(out, shown, '"');
  if (shown.size() < bytes.size()) out += "...";
  out += '"';
  return out;
}

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@=,+";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  // What a terminal would not show as it is, a tab too, is written in the form that escapes.
  if (word.find('\t') != std::string_view::npos || without_controls(word) != word) {
    std::string escaped = "$'";
    append_printable(escaped, word, '\'');
    return escaped + "'";
  }
  std::string between = "'";
  for (const char c : word)
    between += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return between + "'";
}

std::optional<std::string> shell_path(const std::string& path) {
  if (path.empty() || printable(path) != path) return std::nullopt;
  return shell_word(path.starts_with('-') ? "./" + path : path);
}

std::string_view nearest_name(std::string_view wanted,
                              std::span<const std::string_view> candidates) {
  if (wanted.empty() || wanted.size() > kLongestName) return {};
  std::string_view nearest;
  std::size_t best = std::max<std::size_t>(1, wanted.size() / 3);
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > kLongestName) continue;
    const std::size_t found = distance(wanted, candidate);
    // A name of which every letter is wrong is no slip of the finger.
    if (found > best || found >= std::max(wanted.size(), candidate.size())) continue;
    const bool nearer = nearest.empty() || found < best ||
                        common_start(wanted, candidate) > common_start(wanted, nearest);
    best = found;
    if (nearer) nearest = candidate;
  }
  return nearest.empty() ? only_extension(wanted, candidates) : nearest;
}

std::string did_you_mean(std::string_view wanted, std::span<const std::string_view> candidates) {
  const std::string_view nearest = nearest_name(wanted, candidates);
  if (nearest.empty()) return {};
  return "did you mean " + quoted(nearest) + "?";
}

}  // namespace polyport
