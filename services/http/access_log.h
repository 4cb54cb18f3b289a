// The access log: a line an answer, as Apache writes it (common, combined) or as JSON.
#pragma once

#include <chrono>
#include <ctime>
#include <memory>
#include <string>

#include "core/http/handler.h"
#include "core/loop/timer.h"
#include "core/observe/block_writer.h"
#include "core/observe/log.h"
#include "services/http/client.h"

namespace polyport::services::http {

enum class AccessFormat : std::uint8_t { kOff, kCommon, kCombined, kJson };

// One answer, ready to be written.
struct AccessEntry {
  std::time_t time = 0;
  std::string_view service;
  std::string_view client;
  std::string_view request_id;
  Bytes method, target;  // empty where the request could not be read
  int minor = 1;
  polyport::http::Answered answered;
  Bytes referer, user_agent;
};

// The line, with its line end. Nothing a client sent can end it or leave its quotes.
void write_access_line(std::string& out, AccessFormat format, const AccessEntry& entry);

class AccessLog {
 public:
  // Opens the target; errors have no place.
  static Result<std::unique_ptr<AccessLog>> open(AccessFormat format, const std::string& target,
                                                 Loop& loop, Log& log);
  void write(const AccessEntry& entry);

 private:
  AccessLog(AccessFormat format, std::unique_ptr<BlockWriter> writer, Loop& loop, Log& log);
  void hand_over();

  AccessFormat format_;
  std::unique_ptr<BlockWriter> writer_;
  Log& log_;
  Timer timer_;  // hands over what has waited for a second
  std::string line_;
  std::uint64_t told_ = 0;  // dropped lines the log knows of
};

}  // namespace polyport::services::http
