// What of a text may reach other members, whichever door it came through.
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace polyport::services::chat {

// Without control characters (a tab becomes a space, and so do the separators of lines that are
// none of ASCII) and white space at the ends, so that nothing steers another member's terminal or
// feigns a line. Empty where no character of it can be seen. Nothing where it is not UTF-8.
std::optional<std::string> clean(Bytes text);

// The beginning of a topic, for lists of many rooms.
std::string brief(std::string_view topic);

// The first word and the rest, both without white space around; the rest is empty where no
// character of it can be seen. `text` is clean.
struct Words {
  std::string_view first;
  std::string_view rest;
};
Words split_word(std::string_view text);

}  // namespace polyport::services::chat
