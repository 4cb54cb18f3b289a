#include "app/commands/swarm/report.h"

#include <algorithm>

#include "app/figures.h"
#include "core/base/text.h"
#include "core/base/units.h"

namespace polyport::swarm {
namespace {

constexpr std::size_t kLabelWidth = 14;
constexpr std::size_t kFigureWidth = 11;
constexpr double kBusyShare = 0.9;
constexpr std::uint64_t kLateNs = 10'000'000;
constexpr std::uint64_t kEnoughLooks = 100;  // of fewer the hundredth part is one

std::string label(std::string_view text) {
  std::string line = "  " + std::string(text);
  line.resize(std::max(kLabelWidth, line.size() + 1), ' ');
  return line;
}

std::string right(const std::string& text) {
  return std::string(kFigureWidth - std::min(kFigureWidth, text.size()), ' ') + text;
}

std::string indent() {
  return std::string(kLabelWidth, ' ');
}

std::string seconds_text(std::int64_t nanoseconds) {
  return time_text(static_cast<std::uint64_t>(std::max<std::int64_t>(0, nanoseconds)));
}

std::string per_second(std::uint64_t count, std::int64_t nanoseconds) {
  const double seconds = static_cast<double>(std::max<std::int64_t>(1, nanoseconds)) / 1e9;
  return grouped(static_cast<std::uint64_t>(static_cast<double>(count) / seconds)) + " a second";
}

std::string title(const Plan& plan) {
  const SwarmOptions& options = plan.options;
  std::string text = grouped(options.count) + (options.count == 1 ? " socket" : " sockets");
  for (std::size_t i = 0; i < plan.targets.size(); ++i)
    text += (i == 0 ? " to " : ", ") + printable(plan.targets[i]->url, 200);
  if (options.size() == 0) {
    text += ", saying nothing";
  } else if (plan.scheduled > 0) {
    text += ", " + grouped(plan.scheduled) + " messages, " +
            grouped(static_cast<std::uint64_t>(plan.rate)) + " a second";
  } else {
    text += ", one message each";
  }
  return text + "\n\n";
}

std::string sockets_text(const Tally& tally) {
  std::string text =
      label("sockets") + grouped(tally.established) + " of " + grouped(tally.wanted) +
      " established, " +
      (tally.established == 0 ? std::string("none open")
                              : "in " + seconds_text(tally.opening_ns) + " (" +
                                    per_second(tally.established, tally.opening_ns) + ")") +
      "\n";
  for (const auto& [reason, count] : tally.refused)
    text += indent() + grouped(count) + " refused: " + reason + "\n";
  if (tally.reset > 0) text += indent() + grouped(tally.reset) + " reset by the peer\n";
  for (const auto& [reason, count] : tally.closed)
    text += indent() + grouped(count) + " closed early: " + reason + "\n";
  if (tally.wrong > 0) text += indent() + grouped(tally.wrong) + " got wrong bytes\n";
  if (tally.reopened > 0) {
    text += indent() + grouped(tally.reopened) + " opened again, their server having closed them\n";
  }
  for (const std::string& example : tally.examples)
    text += indent() + "such as: " + printable(example, 200) + "\n";
  return text;
}

std::string messages_text(const Report& report) {
  const Tally& tally = report.tally;
  if (tally.due == 0) return {};
  std::string text = label("messages") + grouped(tally.due) + " due, " + grouped(tally.sent) +
                     " sent, " + grouped(tally.answered) + " answered";
  if (tally.sending_ns > 0 && report.plan.scheduled > 0) {
    text += " in " + seconds_text(tally.sending_ns);
  }
  text += "\n" + indent() + human_size(tally.bytes_verified) + " came back and are right\n";
  if (tally.dropped > 0) {
    text += indent() + grouped(tally.dropped) + " lost on purpose (--loss)\n";
  }
  if (tally.unanswered > 0) text += indent() + grouped(tally.unanswered) + " never answered\n";
  if (tally.unsent > 0) text += indent() + grouped(tally.unsent) + " could not be sent\n";
  if (tally.doubled > 0) text += indent() + grouped(tally.doubled) + " came twice or too late\n";
  if (tally.open_ended > 0) {
    text += indent() + grouped(tally.open_ended) + " under way when it was ended\n";
  }
  return text;
}

std::string times_row(std::string_view name, const Histogram& times) {
  if (times.empty()) return {};
  std::string row = label(name);
  for (const double percent : {50.0, 90.0, 99.0, 99.9})
    row += right(time_text(times.percentile(percent)));
  return row + right(time_text(times.largest())) + "\n";
}

std::string times_text(const Tally& tally) {
  const std::string rows =
      times_row("connect", tally.connect) + times_row("handshake", tally.handshake) +
      times_row("first byte", tally.first_byte) + times_row("answer", tally.answer);
  if (rows.empty()) return {};
  std::string head = indent();
  for (const char* name : {"p50", "p90", "p99", "p99.9", "most"})
    head += right(name);
  return "\n" + head + "\n" + rows;
}

std::string own_text(const Report& report) {
  const std::string limit = report.own_limit();
  const OwnUse& own = report.own;
  const auto opening = own.opening_share, sending = own.sending_share;
  const bool sends = report.plan.scheduled > 0;
  std::string text = "\n" + label("itself");
  if (opening) text += percent_text(*opening) + " of a core while opening, ";
  if (sends && sending) text += percent_text(*sending) + " of a core while sending, ";
  text += "its loop was late by " + time_text(own.lag.percentile(99)) + " (p99)";
  if (!report.tally.late.empty()) {
    text += ", its messages by " + time_text(report.tally.late.percentile(99));
  }
  text += "\n" + indent();
  if (!limit.empty()) return text + "so it was itself the limit: " + limit + "\n";
  if (sends ? sending.has_value() : opening.has_value()) return text + "so it was not the limit\n";
  return text + "it was over too soon to say whether it was itself the limit\n";
}

std::string loss_text(const Report& report) {
  if (report.lost()) return "something was lost\n";
  if (report.tally.lost_more_than(0)) return "no more was lost than is allowed\n";
  return "nothing was lost\n";
}

}  // namespace

std::string Report::own_limit() const {
  const auto opening = own.opening_share, sending = own.sending_share;
  if (plan.scheduled > 0 && sending && *sending >= kBusyShare) {
    return "it used " + percent_text(*sending) + " of a core while sending";
  }
  if (plan.scheduled > 0 && tally.late.percentile(99) > kLateNs) {
    return "one message in a hundred left more than " + time_text(tally.late.percentile(99)) +
           " late";
  }
  if (own.lag.count() >= kEnoughLooks && own.lag.percentile(99) > kLateNs) {
    return "its loop was late by more than " + time_text(kLateNs) + " one time in a hundred";
  }
  if (opening && *opening >= kBusyShare) {
    return "it used " + percent_text(*opening) + " of a core while opening";
  }
  return {};
}

std::string report_text(const Report& report) {
  const Tally& tally = report.tally;
  std::string text = title(report.plan);
  for (const std::string& note : report.plan.notes)
    text += "  note: " + note + "\n";
  text += sockets_text(tally) + messages_text(report) + times_text(tally) + own_text(report);
  text += "\n";
  if (tally.interrupted) text += "ended before its time. ";
  return text + loss_text(report);
}

}  // namespace polyport::swarm
