// The options of the chat: their rows, and their values as its parts take them.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/settings/option.h"
#include "services/chat/memory_store.h"
#include "services/chat/rules.h"

namespace polyport::services::chat {

struct ChatOptions {
  Rules rules;
  MemoryStore::Limits history;
  std::size_t unread_bytes = 256 * 1024;
  std::chrono::milliseconds ping_interval{60'000};  // 0: never
  std::chrono::milliseconds ping_timeout{30'000};
  std::vector<std::string> web_origins;
  std::uint64_t web_connections_per_address = 100;  // 0: no limit
};

std::span<const OptionSpec> option_rows();
ChatOptions chat_options(const OptionValues& values);
// What is wrong with them together.
Errors check_options(const OptionValues& values);

}  // namespace polyport::services::chat
