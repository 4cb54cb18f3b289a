// Document: a configuration as a tree of named values, each with its place, before anything is
// checked.
//
// It is what the TOML reader and the overrides have in common: an override becomes a node like one
// of the file, so that every check is written once. Only core/settings knows it.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/settings/settings.h"

namespace polyport {

// Where a node was written. Sorted, places are in file order, then in the order of the overrides.
struct Place {
  std::uint32_t override_number = 0;  // 0: the file; n: overrides[n - 1]
  std::uint32_t line = 0;             // from 1
  std::uint32_t column = 0;           // from 1, in characters

  friend auto operator<=>(const Place&, const Place&) = default;
};

struct Node {
  enum class Kind : std::uint8_t {
    kTable,
    kArray,
    kString,
    kInteger,
    kFloat,
    kBool,
    kDate,
    kOverride,  // a text that the type of its option will read
  };

  Kind kind = Kind::kTable;
  std::string key;  // its name in the table that holds it
  Place key_place;
  Place place;              // of the value
  std::int64_t number = 0;  // kInteger, kBool
  std::string text;         // kString, kOverride; kFloat as written out
  std::vector<Node> items;  // of a table or an array, in the order written

  Node* find(std::string_view wanted);
  const Node* find(std::string_view wanted) const;
};

// Collects errors with their places and hands them out in order.
class Report {
 public:
  // Past this many the rest is not kept: a hostile file must not become a hostile amount of errors.
  static constexpr std::size_t kMaxErrors = 1000;

  Report(std::string_view file, std::span<const Override> overrides)
      : file_(file), overrides_(overrides) {}

  // "file:line:column", or the origin of the override.
  std::string where(const Place& place) const;
  void add(const Place& place, ErrorCode code, std::string what, std::string hint = {});
  void add(const Place& place, Error error);
  bool empty() const { return entries_.empty(); }
  Errors take();

 private:
  struct Entry {
    Place place;
    Error error;
  };
  std::string_view file_;
  std::span<const Override> overrides_;
  std::vector<Entry> entries_;
  bool full_ = false;
};

// Lays the overrides over the file's tree, the later ones over the earlier.
void lay_over(Node& root, std::span<const Override> overrides, const Schema& schema,
              Report& report);

}  // namespace polyport
