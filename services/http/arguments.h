// What endpoints read from a query or a path: names with values, numbers, durations as Go writes
// them, and weighted lists. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"

namespace polyport::services::http {

// The arguments of a query, in order.
class Arguments {
 public:
  explicit Arguments(Bytes query);

  // The first value of that name, or null.
  const std::string* find(std::string_view name) const;
  // Its value, or an empty one.
  std::string_view value(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

// "1.5s", "1m30s", "250ms", "10us", or seconds without a unit: "1.5". May be negative. Nothing
// where it is none, or over 100 days.
std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text);
// "1.5s", "250ms", "10us": the same value, as a person writes it.
std::string go_duration_text(std::chrono::nanoseconds duration);

// A decimal number without exponent tricks: "0.25", "1", ".5". Nothing for anything else.
std::optional<double> parse_decimal(std::string_view text);

// "10ms:50,100ms:5" taken apart, unread: each value with its weight.
struct Weighted {
  std::string value;
  double weight = 1;
  bool has_weight = false;
};
// Nothing where a weight is no number of at least 0, a value is empty, or beyond 100 values.
std::optional<std::vector<Weighted>> parse_weighted(std::string_view text);
// The same, and nothing where all weights are 0: there would be nothing to choose.
std::optional<std::vector<Weighted>> parse_choices(std::string_view text);
// One of them by its weight among all (go-httpbin's way).
const Weighted& choose(const std::vector<Weighted>& choices, std::mt19937_64& random);
// One of them where the weights are percent (fortio's way): null for what is left to 100. A single
// value without a weight is always chosen.
const Weighted* choose_percent(const std::vector<Weighted>& choices, std::mt19937_64& random);

// Evenly in 0 <= x < 1, the same for the same seed with every compiler.
double uniform(std::mt19937_64& random);

}  // namespace polyport::services::http
