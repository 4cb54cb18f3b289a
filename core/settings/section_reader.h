// The section reader: one table against the rows of what it configures.
//
// Every row gets a value, from the table or from its default; every key without a row is an error.
// Which tables there are, and of which type a service is, is decided in settings.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/settings/document.h"
#include "core/settings/settings.h"

namespace polyport {

using Names = std::vector<std::string_view>;

struct Section {
  std::string title;                              // "[services.web]"
  const Node* table = nullptr;                    // null where nobody wrote one
  Place place;                                    // of its name
  std::vector<std::span<const OptionSpec>> rows;  // a later row of one name wins
  const TypeSchema* type = nullptr;               // null for [server]
};

// `server` rows are known so that an option of theirs in another table can be sent home.
OptionValues read_section(const Section& section, std::span<const OptionSpec> server,
                          Report& report);

}  // namespace polyport
