// The files of the page, from services/chat/web, as they are compiled into the program.
#pragma once

#include <span>
#include <string_view>

namespace polyport::services::chat {

struct WebFile {
  std::string_view name;  // "page.html"
  std::string_view text;
};
std::span<const WebFile> web_files();

}  // namespace polyport::services::chat
