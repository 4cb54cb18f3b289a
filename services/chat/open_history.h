// open_history: which file the history of a chat is in, and what is done where it cannot be had.
//
// Without a path it is chat/INSTANCE.db in the state directory. That is a convenience: where it
// cannot be written, or another polyport has it, history stays in memory and the log says so. What
// was asked for by name or must be durable, and a file that somebody has to look at (damaged, of a
// newer polyport), stops the start instead.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "core/service.h"
#include "services/chat/clock.h"
#include "services/chat/disk_store.h"
#include "services/chat/options.h"

namespace polyport::services::chat {

// Null where history stays in memory. `announce` tells everybody in the chat; what it is told is
// logged as well. The context and the clock must outlive the store.
Result<std::unique_ptr<DiskStore>> open_disk_store(
    ServiceContext& context, const Clock& clock, const ChatOptions& options,
    std::function<void(std::string_view text)> announce);

}  // namespace polyport::services::chat
