#include "core/base/json_value.h"

#include <nlohmann/json.hpp>

namespace polyport {

bool is_json(Bytes text) {
  return nlohmann::json::accept(text.begin(), text.end());
}

}  // namespace polyport
