#include "services/chat/clean.h"

#include <algorithm>

#include "core/base/text.h"

namespace polyport::services::chat {
namespace {

constexpr std::string_view kLineSeparator = "\xe2\x80\xa8";       // U+2028
constexpr std::string_view kParagraphSeparator = "\xe2\x80\xa9";  // U+2029

// Characters that take room at most: spaces, and what only tells how others are to be shown
// (Unicode's Default_Ignorable_Code_Point; U+2800 is an empty cell of Braille).
bool is_unseen(std::uint32_t point) {
  struct Range {
    std::uint32_t first, last;
  };
  static constexpr Range kUnseen[] = {
      {0x20, 0x20},     {0xa0, 0xa0},     {0xad, 0xad},     {0x34f, 0x34f},   {0x61c, 0x61c},
      {0x115f, 0x1160}, {0x1680, 0x1680}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x2000, 0x200f},
      {0x2028, 0x202f}, {0x205f, 0x206f}, {0x2800, 0x2800}, {0x3000, 0x3000}, {0x3164, 0x3164},
      {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfff8}, {0xe0000, 0xe0fff}};
  return std::any_of(std::begin(kUnseen), std::end(kUnseen), [point](const Range& range) {
    return point >= range.first && point <= range.last;
  });
}

// `text` is UTF-8.
bool is_all_unseen(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    std::uint32_t point = static_cast<unsigned char>(text[at]);
    if (length > 1) point &= 0x7fu >> length;
    for (std::size_t i = 1; i < length; ++i)
      point = point << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3fu);
    if (!is_unseen(point)) return false;
    at += length;
  }
  return true;
}

void replace_by_space(std::string& text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.replace(at, what.size(), " ");
}

}  // namespace

std::optional<std::string> clean(Bytes text) {
  if (!is_utf8(text)) return std::nullopt;
  std::string cleaned = without_controls(text);
  std::replace(cleaned.begin(), cleaned.end(), '\t', ' ');
  replace_by_space(cleaned, kLineSeparator);
  replace_by_space(cleaned, kParagraphSeparator);
  if (is_all_unseen(cleaned)) return std::string();
  const std::string_view inner = trim(cleaned);
  if (inner.size() == cleaned.size()) return cleaned;
  return std::string(inner);
}

std::string brief(std::string_view topic) {
  constexpr std::size_t kMost = 160;
  if (topic.size() <= kMost) return std::string(topic);
  std::size_t end = kMost;
  while ((static_cast<unsigned char>(topic[end]) & 0xc0u) == 0x80u)
    --end;
  return std::string(topic.substr(0, end)) + " ...";
}

Words split_word(std::string_view text) {
  text = trim(text);
  const std::size_t end = std::min(text.find(' '), text.size());
  std::string_view rest = trim(text.substr(end));
  if (is_all_unseen(rest)) rest = {};
  return {text.substr(0, end), rest};
}

}  // namespace polyport::services::chat
