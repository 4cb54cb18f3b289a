#include "services/http/groups.h"

#include "core/base/text.h"
#include "core/http/url.h"

namespace polyport::services::http {

void Groups::add(std::string_view name, std::string value) {
  const std::string key = case_ == Case::kMatters ? std::string(name) : to_lower(name);
  const auto [place, is_new] = places_.try_emplace(key, groups_.size());
  if (is_new) groups_.emplace_back(std::string(name), std::vector<std::string>{});
  groups_[place->second].second.push_back(std::move(value));
}

void Groups::write(JsonWriter& json) const {
  json.begin_object();
  for (const auto& [name, values] : groups_) {
    json.key(name);
    json.begin_array();
    for (const std::string& value : values)
      json.value(value);
    json.end_array();
  }
  json.end_object();
}

Groups grouped(std::span<const polyport::http::Header> headers) {
  Groups groups(Groups::Case::kIgnored);
  for (const auto& header : headers)
    groups.add(header.name, std::string(header.value));
  return groups;
}

Groups grouped_arguments(Bytes query) {
  Groups groups;
  polyport::http::for_each_argument(query, [&](const std::string& name, std::string value) {
    groups.add(name, std::move(value));
  });
  return groups;
}

}  // namespace polyport::services::http
