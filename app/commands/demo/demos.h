// The demos: each plays one lesson on a Stage, with the answers of a Lab.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "app/commands/demo/lab.h"
#include "app/commands/demo/stage.h"

namespace polyport::demo {

void show_conflict(Stage& stage, Lab& lab);
void show_time_wait(Stage& stage, Lab& lab);
void show_ephemeral(Stage& stage, Lab& lab);
void show_localhost(Stage& stage, Lab& lab);
void show_backlog(Stage& stage, Lab& lab);
// All claims, or the one with this number.
void show_notes(Stage& stage, Lab& lab, std::optional<std::uint32_t> number = std::nullopt);
std::uint32_t count_notes();

}  // namespace polyport::demo
