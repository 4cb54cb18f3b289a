// OptionSpec: one row describes one setting, and everything else comes from it: validation, error
// messages, `polyport services`, the reference page, what a reload may change.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/endpoint.h"

namespace polyport {

enum class OptionType : std::uint8_t {
  kBool,
  kInt,
  kSize,      // "64KiB": bytes
  kDuration,  // "250ms": milliseconds
  kEnum,      // one of OptionSpec::choices
  kString,
  kSecret,  // a string that is never shown
  kPath,
  kEndpoints,     // one endpoint or a list of them
  kStrings,       // one text or a list of them
  kNetworks,      // one network ("10.0.0.0/8") or a list of them
  kCertificates,  // a list of tables with cert and key: texts of both in turn, a place for each
                  // pair
};

std::string_view name(OptionType type);  // "bool", "int", "size", …

// When a changed value takes effect.
enum class Applies : std::uint8_t { kRestart, kNewConnections, kLive };

struct OptionSpec {
  std::string_view name;  // "tls.auto": `auto` in the table `tls` of the section
  OptionType type = OptionType::kString;
  std::string_view
      fallback;           // the default, written as in TOML without quotes: "10s", "true", "ctime"
  std::string_view help;  // one line, no full stop
  // kEnum: "ctime|iso8601". kInt: words that are taken in place of a number, which is 0 then.
  std::string_view choices = {};
  std::int64_t min = 0;  // kInt, kSize (bytes), kDuration (ms): inclusive bounds
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  Applies applies = Applies::kRestart;
  std::string_view since = "0.1.0";
  // Where a type does not take an option that the others have: a row of that name with a hint here
  // makes any value for it an error.
  std::string_view instead = {};
  // It bounds the whole program: each of several workers has its share (share_of).
  bool divided = false;
};

// The checked values of one table of the config, read by option name. Asking for a name or a kind
// that no row declares is a bug and aborts.
class OptionValues {
 public:
  struct Value {
    OptionType type = OptionType::kString;
    std::int64_t number = 0;  // bool, int, bytes, milliseconds
    std::string text;         // string, secret, path, enum; the word in place of an int
    std::vector<Endpoint> endpoints;
    std::vector<std::string> texts;   // of kStrings, kNetworks, kCertificates
    std::vector<std::string> places;  // of each endpoint or pair, as `where`
    std::string where;  // "file:line:column", "environment NAME", "--set …", "default"
    bool is_default = true;
  };

  bool boolean(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  std::uint64_t bytes(std::string_view name) const;
  std::chrono::milliseconds duration(std::string_view name) const;
  const std::string& text(std::string_view name) const;  // string, secret, path, enum
  const std::vector<Endpoint>& endpoints(std::string_view name) const;
  const std::vector<std::string>& texts(std::string_view name) const;
  const std::vector<std::string>& networks(std::string_view name) const;

  bool has(std::string_view name) const { return values_.contains(name); }
  const Value& value(std::string_view name) const;
  void set(std::string name, Value value) {
    values_.insert_or_assign(std::move(name), std::move(value));
  }
  const std::map<std::string, Value, std::less<>>& all() const { return values_; }

 private:
  const Value& typed(std::string_view name, OptionType type) const;
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace polyport
