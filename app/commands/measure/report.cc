#include "app/commands/measure/report.h"

#include <algorithm>

#include "app/figures.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/base/units.h"

namespace polyport::measure {
namespace {

std::string label(std::string_view text) {
  std::string line = "  " + std::string(text);
  line.resize(std::max<std::size_t>(16, line.size() + 1), ' ');
  return line;
}

std::string rate(std::uint64_t count, std::uint64_t wall_ns) {
  const double seconds = static_cast<double>(std::max<std::uint64_t>(1, wall_ns)) / 1e9;
  return grouped(static_cast<std::uint64_t>(static_cast<double>(count) / seconds)) + " a second";
}

// "40 refused (denied 38, limit_connections 2)".
std::string refused_text(const LoadSample& target) {
  std::string text = grouped(target.refused_in_all()) + " refused", reasons;
  for (const auto& [reason, times] : target.refused)
    reasons += (reasons.empty() ? "" : ", ") + printable(reason, 40) + " " + grouped(times);
  return reasons.empty() ? text : text + " (" + reasons + ")";
}

std::string traffic_text(const LoadSample& target) {
  std::string text = label("requests") + grouped(target.requests) + " of HTTP, " +
                     rate(target.requests, target.now_ns) + "\n" + label("connections") +
                     grouped(target.accepted) + " accepted, " + refused_text(target) + ", " +
                     grouped(target.resets) + " reset\n";
  if (target.datagrams > 0) text += label("datagrams") + grouped(target.datagrams) + "\n";
  return text + label("bytes") + human_size(target.bytes_in) + " in, " +
         human_size(target.bytes_out) + " out\n";
}

std::string loop_text(const Figures& figures) {
  const Histogram& turns = figures.target.long_turns;
  std::string text = label("loop") + percent_text(figures.busy_share()) + " busy, longest turn " +
                     (turns.empty() ? "under 3 ms" : time_text(turns.largest()));
  if (figures.queued_share() >= 0.01) {
    text += ", waited for a processor " + percent_text(figures.queued_share());
  }
  return text + "\n";
}

std::string queue_text(const Figures& figures) {
  const LoadSample& target = figures.target;
  std::string text = label("accept queue");
  if (figures.seen.queue == 0) {
    text += "never seen with anybody in it";
  } else {
    text += "at most " + grouped(figures.seen.queue) + " of " + grouped(figures.seen.queue_limit) +
            " (" + printable(figures.seen.fullest, 60) + ")";
  }
  return text + "; the kernel counts " + grouped(target.listen_overflows) + " overflows, " +
         grouped(target.listen_drops) + " drops, " + grouped(target.segments_again) +
         " segments sent again\n";
}

std::string answers_text(const LoadSample& target) {
  const Histogram& answers = target.answers;
  if (answers.empty()) return {};
  return label("service time") + "p50 " + time_text(answers.percentile(50)) + ", p99 " +
         time_text(answers.percentile(99)) + ", p99.9 " + time_text(answers.percentile(99.9)) +
         ", most " + time_text(answers.largest()) + " (one request in " +
         std::to_string(target.answers_one_of) + " is timed)\n";
}

std::string command_text(const MeasureOptions& options) {
  std::string text;
  for (const std::string& word : options.command)
    text += (text.empty() ? "" : " ") + shell_word(word);
  return text;
}

std::string tool_text(const MeasureOptions& options, const ToolUse& tool) {
  const double cores = static_cast<double>(tool.cpu_ns) /
                       static_cast<double>(std::max<std::uint64_t>(1, tool.wall_ns));
  std::string text = "\ntool   " + command_text(options) + "\n" + label("ran") +
                     time_text(tool.wall_ns) + ", exit code " + std::to_string(tool.exit_code) +
                     "\n" + label("processor") + percent_text(cores) + " of a core in all";
  if (tool.wall_ns >= kShortestNs) {
    text += "; its busiest thread " + percent_text(tool.busiest_used) + ", and wanted " +
            percent_text(tool.busiest_wanted);
  }
  return text + "\n";
}

std::uint64_t us(std::uint64_t nanoseconds) {
  return (nanoseconds + 500) / 1000;
}

void write_target(JsonWriter& json, const Figures& figures) {
  const LoadSample& target = figures.target;
  json.field("pid", target.pid);
  json.field("elapsed_us", us(target.now_ns));
  json.field("requests", target.requests);
  json.field("accepted", target.accepted);
  json.field("refused", target.refused_in_all());
  json.key("refused_by");
  json.begin_object();
  for (const auto& [reason, times] : target.refused)
    json.field(reason, times);
  json.end_object();
  json.field("resets", target.resets);
  json.field("datagrams", target.datagrams);
  json.field("bytes_in", target.bytes_in);
  json.field("bytes_out", target.bytes_out);
  json.field("loop_busy_share", figures.busy_share());
  json.field("loop_queued_share", figures.queued_share());
  json.field("loop_cpu_us", us(target.loop_cpu_ns));
  json.field("longest_turn_us", us(target.long_turns.largest()));
  json.field("accept_queue_most", figures.seen.queue);
  json.field("accept_queue_limit", figures.seen.queue_limit);
  json.field("accept_queue_listener", figures.seen.fullest);
  json.field("listen_overflows", target.listen_overflows);
  json.field("listen_drops", target.listen_drops);
  json.field("segments_retransmitted", target.segments_again);
  json.field("connection_looks", figures.seen.looks);
  json.field("connection_looks_lossy", figures.seen.lossy_looks);
  json.key("service_time");
  json.begin_object();
  json.field("measured", target.answers.count());
  json.field("p50_us", us(target.answers.percentile(50)));
  json.field("p90_us", us(target.answers.percentile(90)));
  json.field("p99_us", us(target.answers.percentile(99)));
  json.field("p99_9_us", us(target.answers.percentile(99.9)));
  json.field("most_us", us(target.answers.largest()));
  json.end_object();
}

}  // namespace

std::string report_text(const MeasureOptions& options, const Figures& figures) {
  const LoadSample& target = figures.target;
  return "\ntarget " + printable(options.target, 100) + ", pid " + std::to_string(target.pid) +
         ", in " + time_text(target.now_ns) + "\n" + traffic_text(target) + loop_text(figures) +
         queue_text(figures) + answers_text(target) + tool_text(options, figures.tool) +
         "\nverdict " + judge(figures).text + "\n";
}

std::string report_json(const MeasureOptions& options, const Figures& figures) {
  const Verdict verdict = judge(figures);
  std::string text;
  JsonWriter json(text, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("schema", 1);
  json.field("command", "measure");
  json.key("target");
  json.begin_object();
  json.field("url", options.target);
  write_target(json, figures);
  json.end_object();
  json.key("tool");
  json.begin_object();
  json.key("command");
  json.begin_array();
  for (const std::string& word : options.command)
    json.value(word);
  json.end_array();
  json.field("exit_code", figures.tool.exit_code);
  json.field("elapsed_us", us(figures.tool.wall_ns));
  json.field("cpu_us", us(figures.tool.cpu_ns));
  json.field("busiest_thread_used_share", figures.tool.busiest_used);
  json.field("busiest_thread_wanted_share", figures.tool.busiest_wanted);
  json.end_object();
  json.key("verdict");
  json.begin_object();
  json.field("limit", name(verdict.limit));
  json.field("text", verdict.text);
  json.end_object();
  json.end_object();
  return text + "\n";
}

}  // namespace polyport::measure
