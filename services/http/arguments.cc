#include "services/http/arguments.h"

#include <cmath>
#include <limits>

#include "core/base/text.h"
#include "core/http/characters.h"
#include "core/http/url.h"

namespace polyport::services::http {
namespace {

using polyport::http::all;
using polyport::http::kDigit;

constexpr std::size_t kMostChoices = 100;

struct Unit {
  std::string_view name;
  double nanoseconds;
};
// "m" behind "ms", so that the longer name is found first.
constexpr Unit kUnits[] = {{"ns", 1},   {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3},
                           {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},        {"h", 3600e9}};

std::optional<double> take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.nanoseconds;
  }
  return std::nullopt;
}

}  // namespace

Arguments::Arguments(Bytes query) {
  polyport::http::for_each_argument(query, [&](std::string name, std::string value) {
    items_.emplace_back(std::move(name), std::move(value));
  });
}

const std::string* Arguments::find(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string_view Arguments::value(std::string_view name) const {
  const std::string* const found = find(name);
  return found == nullptr ? std::string_view{} : std::string_view(*found);
}

std::optional<double> parse_decimal(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() && fraction.empty()) return std::nullopt;
  if (whole.size() > 18 || fraction.size() > 18) return std::nullopt;
  if (!all(kDigit, whole) || !all(kDigit, fraction)) return std::nullopt;
  const auto digits = [](std::string_view part) {
    return part.empty() ? 0.0 : static_cast<double>(parse_number<std::int64_t>(part).value_or(0));
  };
  return digits(whole) + digits(fraction) / std::pow(10.0, static_cast<double>(fraction.size()));
}

std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  constexpr double kMost = 100.0 * 24 * 3600 * 1e9;
  double sum = 0;
  if (const auto seconds = parse_decimal(text)) {
    sum = *seconds * 1e9;
  } else {
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
      const auto number = parse_decimal(text.substr(0, end));
      text.remove_prefix(end);
      const auto unit = take_unit(text);
      if (!number || !unit) return std::nullopt;
      sum += *number * *unit;
    }
  }
  if (sum > kMost) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(negative ? -sum : sum));
}

std::string go_duration_text(std::chrono::nanoseconds duration) {
  const bool negative = duration.count() < 0;
  const auto count = static_cast<std::uint64_t>(negative ? -duration.count() : duration.count());
  std::string_view unit = "ns";
  std::uint64_t size = 1;
  for (const auto& [name, bytes] :
       {std::pair{"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}}) {
    if (count < static_cast<std::uint64_t>(bytes)) break;
    unit = name;
    size = static_cast<std::uint64_t>(bytes);
  }
  std::string text = (negative ? "-" : "") + std::to_string(count / size);
  std::string fraction = std::to_string(size + count % size).substr(1);
  while (fraction.ends_with('0'))
    fraction.pop_back();
  if (!fraction.empty() && size > 1) text += "." + fraction;
  if (count == 0) return "0s";
  return text.append(unit);
}

std::optional<std::vector<Weighted>> parse_weighted(std::string_view text) {
  std::vector<Weighted> choices;
  for (const std::string_view part : split(text, ',')) {
    if (choices.size() == kMostChoices) return std::nullopt;
    const std::size_t colon = part.find(':');
    Weighted choice{std::string(trim(part.substr(0, colon)))};
    if (colon != std::string_view::npos) {
      const auto weight = parse_decimal(trim(part.substr(colon + 1)));
      if (!weight) return std::nullopt;
      choice.weight = *weight;
      choice.has_weight = true;
    }
    if (choice.value.empty()) return std::nullopt;
    choices.push_back(std::move(choice));
  }
  return choices;
}

std::optional<std::vector<Weighted>> parse_choices(std::string_view text) {
  auto choices = parse_weighted(text);
  if (!choices) return std::nullopt;
  for (const Weighted& choice : *choices) {
    if (choice.weight > 0) return choices;
  }
  return std::nullopt;
}

double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1.0p-53;
}

const Weighted& choose(const std::vector<Weighted>& choices, std::mt19937_64& random) {
  double sum = 0;
  for (const Weighted& choice : choices)
    sum += choice.weight;
  double left = uniform(random) * sum;
  for (const Weighted& choice : choices) {
    if (left < choice.weight) return choice;
    left -= choice.weight;
  }
  return choices.back();
}

const Weighted* choose_percent(const std::vector<Weighted>& choices, std::mt19937_64& random) {
  double left = uniform(random) * 100;
  for (const Weighted& choice : choices) {
    const double percent = choice.has_weight ? choice.weight : 100;
    if (left < percent) return &choice;
    left -= percent;
  }
  return nullptr;
}

}  // namespace polyport::services::http
