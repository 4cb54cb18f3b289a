#include "core/settings/option.h"

#include "core/base/assert.h"

namespace polyport {

std::string_view name(OptionType type) {
  switch (type) {
    case OptionType::kBool:
      return "bool";
    case OptionType::kInt:
      return "int";
    case OptionType::kSize:
      return "size";
    case OptionType::kDuration:
      return "duration";
    case OptionType::kEnum:
      return "enum";
    case OptionType::kString:
      return "string";
    case OptionType::kSecret:
      return "secret";
    case OptionType::kPath:
      return "path";
    case OptionType::kStrings:
      return "strings";
    case OptionType::kCertificates:
      return "certificates";
    case OptionType::kEndpoints:
      break;
  }
  return "endpoints";
}

const OptionValues::Value& OptionValues::value(std::string_view name) const {
  const auto found = values_.find(name);
  POLYPORT_ASSERT(found != values_.end());
  return found->second;
}

const OptionValues::Value& OptionValues::typed(std::string_view name, OptionType type) const {
  const Value& found = value(name);
  POLYPORT_ASSERT(found.type == type);
  return found;
}

bool OptionValues::boolean(std::string_view name) const {
  return typed(name, OptionType::kBool).number != 0;
}

std::int64_t OptionValues::integer(std::string_view name) const {
  return typed(name, OptionType::kInt).number;
}

std::uint64_t OptionValues::bytes(std::string_view name) const {
  return static_cast<std::uint64_t>(typed(name, OptionType::kSize).number);
}

std::chrono::milliseconds OptionValues::duration(std::string_view name) const {
  return std::chrono::milliseconds(typed(name, OptionType::kDuration).number);
}

const std::string& OptionValues::text(std::string_view name) const {
  const Value& found = value(name);
  POLYPORT_ASSERT(found.type == OptionType::kString || found.type == OptionType::kSecret ||
                  found.type == OptionType::kPath || found.type == OptionType::kEnum);
  return found.text;
}

const std::vector<Endpoint>& OptionValues::endpoints(std::string_view name) const {
  return typed(name, OptionType::kEndpoints).endpoints;
}

const std::vector<std::string>& OptionValues::texts(std::string_view name) const {
  return typed(name, OptionType::kStrings).texts;
}

}  // namespace polyport
