#include "services/http/access_log.h"

#include <cstdio>

#include "core/base/json_writer.h"

namespace polyport::services::http {
namespace {

using namespace std::chrono_literals;

constexpr auto kLongestWait = 1s;
constexpr std::size_t kMostFieldBytes = 2048;  // of what a client sent

// Between quotes as Apache writes it: \" \\ and \xhh.
void append_quoted(std::string& out, Bytes text) {
  out += '"';
  for (const char character : text.substr(0, kMostFieldBytes)) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      out += '\\';
      out += character;
    } else if (byte < 0x20 || byte >= 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\x%02x", byte);
      out += code;
    } else {
      out += character;
    }
  }
  out += '"';
}

void append_or_dash(std::string& out, Bytes text) {
  if (text.empty()) {
    out += "\"-\"";
  } else {
    append_quoted(out, text);
  }
}

// "25/Nov/2026:10:50:18 +0000"; the names of months are those of the "C" locale.
std::string common_time(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%d/%b/%Y:%H:%M:%S +0000", &parts)};
}

std::string json_time(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

void write_common(std::string& out, const AccessEntry& entry) {
  out.append(entry.client).append(" - - [").append(common_time(entry.time)).append("] ");
  if (entry.method.empty()) {
    out += "\"-\"";
  } else {
    std::string line(entry.method);
    line.append(" ").append(entry.target.substr(0, kMostFieldBytes)).append(" HTTP/1.");
    append_quoted(out, line + std::to_string(entry.minor));
  }
  out += ' ';
  out += entry.answered.status == 0 ? "-" : std::to_string(entry.answered.status);
  out += ' ';
  out += entry.answered.body_bytes == 0 ? "-" : std::to_string(entry.answered.body_bytes);
}

void write_json(std::string& out, const AccessEntry& entry) {
  JsonWriter json(out);
  json.begin_object();
  json.field("ts", json_time(entry.time));
  json.field("service", entry.service);
  json.field("request", entry.request_id);
  json.field("client", entry.client);
  json.field("method", entry.method);
  json.field("target", entry.target.substr(0, kMostFieldBytes));
  json.field("version", "HTTP/1." + std::to_string(entry.minor));
  json.field("status", entry.answered.status);
  json.field("bytes", entry.answered.body_bytes);
  json.field("complete", entry.answered.complete);
  json.field("took_ms", entry.answered.took.count());
  json.field("referer", entry.referer.substr(0, kMostFieldBytes));
  json.field("user_agent", entry.user_agent.substr(0, kMostFieldBytes));
  json.end_object();
}

}  // namespace

void write_access_line(std::string& out, AccessFormat format, const AccessEntry& entry) {
  if (format == AccessFormat::kJson) {
    write_json(out, entry);
  } else {
    write_common(out, entry);
    if (format == AccessFormat::kCombined) {
      out += ' ';
      append_or_dash(out, entry.referer);
      out += ' ';
      append_or_dash(out, entry.user_agent);
    }
  }
  out += '\n';
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(AccessFormat format, const std::string& target,
                                                   Loop& loop, Log& log) {
  auto writer = BlockWriter::open(target);
  if (!writer) return tl::unexpected(std::move(writer.error()));
  return std::unique_ptr<AccessLog>(new AccessLog(format, std::move(*writer), loop, log));
}

AccessLog::AccessLog(AccessFormat format, std::unique_ptr<BlockWriter> writer, Loop& loop, Log& log)
    : format_(format),
      writer_(std::move(writer)),
      log_(log),
      timer_(loop, [this] { hand_over(); }) {}

void AccessLog::write(const AccessEntry& entry) {
  line_.clear();
  write_access_line(line_, format_, entry);
  if (writer_->add(line_) && !timer_.active()) timer_.start(kLongestWait);
}

void AccessLog::hand_over() {
  writer_->hand_over();
  const std::uint64_t dropped = writer_->dropped();
  if (dropped == told_) return;
  log_.warn({.event = "access_log_dropped",
             .message = std::to_string(dropped - told_) +
                        " lines were lost: the target does not take them fast enough"});
  told_ = dropped;
}

}  // namespace polyport::services::http
