#include "app/commands/swarm/progress.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "app/commands/connect/console.h"
#include "app/figures.h"
#include "app/terminal.h"

namespace polyport::swarm {
namespace {

constexpr std::chrono::milliseconds kEvery{250};
constexpr std::size_t kBarWidth = 20;
constexpr std::string_view kWipe = "\r\x1b[K";

std::string bar(std::uint64_t done, std::uint64_t all) {
  const auto filled =
      static_cast<std::size_t>(all == 0 ? kBarWidth : std::min(done, all) * kBarWidth / all);
  return "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "]";
}

}  // namespace

std::string progress_line(std::string_view phase, std::uint64_t open, std::uint64_t settled,
                          const Tally& tally, std::uint64_t scheduled) {
  const bool opening = settled < tally.wanted || scheduled == 0;
  std::string line = opening ? bar(settled, tally.wanted) : bar(tally.due, scheduled);
  line.append(" ").append(phase);
  line += "  " + grouped(open) + " open";
  if (tally.answered > 0) line += "  " + grouped(tally.answered) + " answered";
  const Histogram& times = tally.answer.empty() ? tally.first_byte : tally.answer;
  if (!times.empty()) {
    line += "  p50 " + time_text(times.percentile(50)) + "  p99 " + time_text(times.percentile(99));
  }
  const std::uint64_t lost = tally.refused_in_all() + tally.reset + tally.closed_in_all() +
                             tally.wrong + tally.messages_lost();
  return line + "  lost " + grouped(lost);
}

Progress::Progress(Engine& engine) : engine_(engine), timer_(engine.loop(), [this] { draw(); }) {
  if (Terminal::is_terminal(STDERR_FILENO)) timer_.start_every(kEvery);
}

Progress::~Progress() {
  if (drawn_) say(kWipe);
}

void Progress::draw() {
  drawn_ = true;
  say(std::string(kWipe) + progress_line(engine_.phase(), engine_.open(), engine_.settled(),
                                         engine_.tally(), engine_.scheduled()));
}

}  // namespace polyport::swarm
