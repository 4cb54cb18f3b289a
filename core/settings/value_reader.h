// The value reader: one node as the value that its option row asks for.
//
// Says of every wrong value what was expected, what came, and what to write instead. Knows nothing
// of tables or of the order in which things are set.
#pragma once

#include <optional>
#include <string_view>

#include "core/settings/document.h"
#include "core/settings/option.h"
#include "core/settings/settings.h"

namespace polyport {

// Where endpoints of an option may stand, and of whom; a null door takes every transport.
struct EndpointRules {
  std::string_view type;  // of the service, for messages
  const TypeSchema::DoorSchema* door = nullptr;
};

// The checked value, or nothing after the reason was reported.
std::optional<OptionValues::Value> read_value(const Node& node, const OptionSpec& row,
                                              const EndpointRules& rules, Report& report);

}  // namespace polyport
