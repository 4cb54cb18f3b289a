#include "core/base/error.h"

namespace polyport {

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kSyntax:
      return "syntax";
    case ErrorCode::kUnknownKey:
      return "unknown_key";
    case ErrorCode::kBadValue:
      return "bad_value";
    case ErrorCode::kBadType:
      return "bad_type";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kAddressInUse:
      return "address_in_use";
    case ErrorCode::kNotPermitted:
      return "not_permitted";
    case ErrorCode::kNotAvailable:
      return "not_available";
    case ErrorCode::kDescriptors:
      return "descriptors";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kSystem:
      break;
  }
  return "system";
}

std::string Error::text() const {
  std::string line;
  if (!where.empty()) line += where + ": ";
  line += "error: " + what;
  if (!hint.empty()) line += " (" + hint + ")";
  return line;
}

}  // namespace polyport
