// demo notes: the claims in their order, each tried.
#include "app/commands/demo/notes.h"

#include <algorithm>

#include "app/commands/demo/demos.h"

namespace polyport::demo {
namespace {

std::vector<Note> all_notes() {
  std::vector<Note> all;
  for (const auto notes : {notes_on_identity(), notes_on_numbers(), notes_on_listening()})
    all.insert(all.end(), notes.begin(), notes.end());
  std::sort(all.begin(), all.end(),
            [](const Note& left, const Note& right) { return left.number < right.number; });
  return all;
}

}  // namespace

std::uint32_t count_notes() {
  return static_cast<std::uint32_t>(all_notes().size());
}

void show_notes(Stage& stage, Lab& lab, std::optional<std::uint32_t> number) {
  if (!loopback_works(stage, lab)) return;
  if (!number) stage.say("What notes about ports often say, each tried on this machine.");
  for (const Note& note : all_notes()) {
    if (number && *number != note.number) continue;
    stage.title(std::to_string(note.number) + ". \"" + std::string(note.claim) + "\"");
    note.play(stage, lab);
    stage.pause();
  }
}

}  // namespace polyport::demo
