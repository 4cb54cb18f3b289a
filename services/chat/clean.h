// What of a text may reach other members, whichever door it came through.
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace polyport::services::chat {

// Without control characters (a tab becomes a space) and white space at the ends, so that nothing
// steers another member's terminal. Nothing where it is not UTF-8.
std::optional<std::string> clean(Bytes text);

// The first word and the rest, both without white space around.
struct Words {
  std::string_view first;
  std::string_view rest;
};
Words split_word(std::string_view text);

}  // namespace polyport::services::chat
