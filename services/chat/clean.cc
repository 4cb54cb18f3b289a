#include "services/chat/clean.h"

#include <algorithm>

#include "core/base/text.h"

namespace polyport::services::chat {

std::optional<std::string> clean(Bytes text) {
  if (!is_utf8(text)) return std::nullopt;
  std::string cleaned = without_controls(text);
  std::replace(cleaned.begin(), cleaned.end(), '\t', ' ');
  const std::string_view inner = trim(cleaned);
  if (inner.size() == cleaned.size()) return cleaned;
  return std::string(inner);
}

Words split_word(std::string_view text) {
  text = trim(text);
  const std::size_t end = std::min(text.find(' '), text.size());
  return {text.substr(0, end), trim(text.substr(end))};
}

}  // namespace polyport::services::chat
