#include "app/figures.h"

#include <cstdio>

namespace polyport {
namespace {

std::string decimal(double value, int places) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", places, value);
  return text;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3)
    text.insert(at - 3, ",");
  return text;
}

std::string time_text(std::uint64_t nanoseconds) {
  const double ms = static_cast<double>(nanoseconds) / 1e6;
  if (ms >= 1000) return decimal(ms / 1000, ms < 10'000 ? 2 : 1) + " s";
  return decimal(ms, ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0) + " ms";
}

std::string percent_text(double share) {
  return decimal(share * 100, share < 0.1 ? 1 : 0) + " %";
}

}  // namespace polyport
