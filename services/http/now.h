// One instant in the formats people compare clocks in. All of them are UTC.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace polyport::services::http {

struct TimeFormat {
  std::string_view name;  // "iso8601"
  std::string text;
  bool is_number = false;
};

std::vector<TimeFormat> time_formats(std::chrono::system_clock::time_point now);

}  // namespace polyport::services::http
