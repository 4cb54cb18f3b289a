#include "core/base/units.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>
#include <span>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace polyport {

namespace {

constexpr std::uint64_t kMaxValue = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMaxFractionDigits = 6;  // 999,999 TiB still fit into 64 bits

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

// Smallest first. Of two spellings of one factor the first is the one we write.
constexpr std::array<Unit, 5> kDurationUnits{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 10> kSizeUnits{{{"B", 1},
                                           {"kB", 1000},
                                           {"KB", 1000},
                                           {"KiB", 1ull << 10},
                                           {"MB", 1'000'000},
                                           {"MiB", 1ull << 20},
                                           {"GB", 1'000'000'000},
                                           {"GiB", 1ull << 30},
                                           {"TB", 1'000'000'000'000},
                                           {"TiB", 1ull << 40}}};

struct Quantity {
  std::string_view noun;
  std::span<const Unit> units;
  std::string_view base;         // of the smallest unit, in words
  std::string_view usual;        // the suffix that an example takes
  std::string_view known_units;  // for a hint
};

constexpr Quantity kDuration{"duration", kDurationUnits, "milliseconds", "s",
                             "the units are ms, s, m, h and d"};
constexpr Quantity kSize{"size", kSizeUnits, "bytes", "KiB",
                         "the units are B, kB, KiB, MB, MiB, GB, GiB, TB and TiB"};

// "10.5s" taken apart; empty parts where they are missing.
struct Parts {
  std::string_view whole;
  std::string_view fraction;
  std::string_view suffix;
  bool negative = false;
};

std::string_view take_digits(std::string_view& rest) {
  const std::size_t end = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const std::string_view digits = rest.substr(0, end);
  rest.remove_prefix(end);
  return digits;
}

Parts take_apart(std::string_view text) {
  Parts parts;
  parts.negative = text.starts_with('-');
  if (parts.negative) text.remove_prefix(1);
  parts.whole = take_digits(text);
  if (!parts.whole.empty() && text.size() > 1 && text[0] == '.' && text[1] >= '0' &&
      text[1] <= '9') {
    text.remove_prefix(1);
    parts.fraction = take_digits(text);
  }
  parts.suffix = text;
  return parts;
}

const Unit* find_unit(std::span<const Unit> units, std::string_view suffix) {
  for (const Unit& unit : units) {
    if (unit.suffix == suffix) return &unit;
  }
  return nullptr;
}

enum class Product { kExact, kTooLarge, kNotWhole };

// number * factor, exactly.
Product multiply(const Parts& number, std::uint64_t factor, std::uint64_t& value) {
  const auto whole = parse_number<std::uint64_t>(number.whole);
  if (!whole || __builtin_mul_overflow(*whole, factor, &value)) return Product::kTooLarge;
  if (number.fraction.size() > kMaxFractionDigits) return Product::kNotWhole;
  if (!number.fraction.empty()) {
    std::uint64_t scale = 1;
    for (std::size_t i = 0; i < number.fraction.size(); ++i)
      scale *= 10;
    const std::uint64_t scaled = *parse_number<std::uint64_t>(number.fraction) * factor;
    if (scaled % scale != 0) return Product::kNotWhole;
    if (__builtin_add_overflow(value, scaled / scale, &value)) return Product::kTooLarge;
  }
  return value <= kMaxValue ? Product::kExact : Product::kTooLarge;
}

std::string unit_hint(const Quantity& quantity, std::string_view suffix) {
  for (const Unit& unit : quantity.units) {
    if (equals_ignoring_case(unit.suffix, trim(suffix))) {
      return "write it as " + quoted(unit.suffix) + ", right after the number";
    }
  }
  return std::string(quantity.known_units);
}

Result<std::uint64_t> parse(std::string_view text, const Quantity& quantity) {
  const std::string noun(quantity.noun);
  const std::string example = "\"10" + std::string(quantity.usual) + "\"";
  const Parts parts = take_apart(text);
  if (parts.whole.empty()) {
    return failure(ErrorCode::kBadType,
                   text.empty() ? "a " + noun + " is missing" : quoted(text) + " is not a " + noun,
                   {}, "write a number and its unit: " + example);
  }
  if (parts.negative) {
    return failure(ErrorCode::kBadValue, "the " + noun + " " + quoted(text) + " is negative", {},
                   "0" + std::string(quantity.usual) + " is the least");
  }
  if (parts.suffix.empty()) {
    return failure(ErrorCode::kBadType, "the " + noun + " " + quoted(text) + " has no unit", {},
                   "write " + quoted(std::string(text) + std::string(quantity.usual)) + ", not " +
                       quoted(text));
  }
  const Unit* const unit = find_unit(quantity.units, parts.suffix);
  if (unit == nullptr) {
    return failure(
        ErrorCode::kBadValue,
        "the " + noun + " " + quoted(text) + " has the unknown unit " + quoted(parts.suffix), {},
        unit_hint(quantity, parts.suffix));
  }

  std::uint64_t value = 0;
  switch (multiply(parts, unit->factor, value)) {
    case Product::kTooLarge:
      return failure(ErrorCode::kBadValue, "the " + noun + " " + quoted(text) + " is too large");
    case Product::kNotWhole:
      return failure(ErrorCode::kBadValue, "the " + noun + " " + quoted(text) +
                                               " is not a whole number of " +
                                               std::string(quantity.base));
    case Product::kExact:
      break;
  }
  return value;
}

std::string format(std::uint64_t value, const Quantity& quantity) {
  std::string best;
  for (const Unit& unit : quantity.units) {
    if (value != 0 && value < unit.factor) break;
    std::string text = std::to_string(value / unit.factor);
    std::uint64_t rest = value % unit.factor;
    if (rest != 0) text += '.';
    for (int digits = 0; rest != 0 && digits < 3; ++digits) {
      rest *= 10;
      text += std::to_string(rest / unit.factor);
      rest %= unit.factor;
    }
    text += unit.suffix;
    if (rest == 0 && (best.empty() || text.size() < best.size())) best = text;
  }
  return best;
}

// `value` in `unit` with one decimal, cut, not rounded: 59.96 s must not read as a minute.
std::string one_decimal(std::uint64_t value, std::uint64_t unit, std::string_view suffix) {
  return std::to_string(value / unit) + "." + std::to_string(value % unit * 10 / unit) +
         std::string(suffix);
}

std::string two_units(std::uint64_t value, std::uint64_t large, std::string_view large_suffix,
                      std::uint64_t small, std::string_view small_suffix) {
  return std::to_string(value / large) + std::string(large_suffix) + " " +
         std::to_string(value % large / small) + std::string(small_suffix);
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  return parse(text, kDuration).map([](std::uint64_t milliseconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds));
  });
}

Result<std::uint64_t> parse_size(std::string_view text) {
  return parse(text, kSize);
}

std::string format_duration(std::chrono::milliseconds duration) {
  if (duration.count() < 0) return "-" + format_duration(-duration);
  return format(static_cast<std::uint64_t>(duration.count()), kDuration);
}

std::string format_size(std::uint64_t bytes) {
  return format(bytes, kSize);
}

std::string human_duration(std::chrono::milliseconds duration) {
  constexpr std::uint64_t kSecond = 1000;
  constexpr std::uint64_t kMinute = 60 * kSecond;
  constexpr std::uint64_t kHour = 60 * kMinute;
  constexpr std::uint64_t kDay = 24 * kHour;
  POLYPORT_ASSERT(duration.count() >= 0);
  const auto value = static_cast<std::uint64_t>(duration.count());
  if (value < kSecond) return std::to_string(value) + " ms";
  if (value < kMinute) return one_decimal(value, kSecond, " s");
  if (value < kHour) return two_units(value, kMinute, " min", kSecond, " s");
  if (value < kDay) return two_units(value, kHour, " h", kMinute, " min");
  return two_units(value, kDay, " d", kHour, " h");
}

std::string human_size(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<std::string_view, 6> kSuffixes{" KiB", " MiB", " GiB",
                                                      " TiB", " PiB", " EiB"};
  std::size_t power = 0;
  std::uint64_t unit = 1024;
  while (bytes / unit >= 1024) {
    unit *= 1024;
    ++power;
  }
  // Divided first, because ten times 2^63 bytes has no room.
  return one_decimal(bytes / (unit / 1024), 1024, kSuffixes[power]);
}

std::string utc_text(std::chrono::system_clock::time_point when) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return std::string(text.data(), length);
}

}  // namespace polyport
