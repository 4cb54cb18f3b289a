// Groups: values under their names, in the order the names first came: how arguments, headers and
// form fields stand in an answer, {"name": ["value", …]}.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json_writer.h"
#include "core/http/handler.h"

namespace polyport::services::http {

class Groups {
 public:
  enum class Case : std::uint8_t { kMatters, kIgnored };
  explicit Groups(Case names = Case::kMatters) : case_(names) {}

  void add(std::string_view name, std::string value);
  bool empty() const { return groups_.empty(); }
  // As an object, where a value is due.
  void write(JsonWriter& json) const;
  void write(JsonWriter& json, std::string_view key) const {
    json.key(key);
    write(json);
  }

 private:
  Case case_;
  std::vector<std::pair<std::string, std::vector<std::string>>> groups_;
  std::map<std::string, std::size_t> places_;  // in groups_
};

// The headers of a request; of two that differ in case only, the name that came first counts.
Groups grouped(std::span<const polyport::http::Header> headers);
// The arguments of a query.
Groups grouped_arguments(Bytes query);

}  // namespace polyport::services::http
