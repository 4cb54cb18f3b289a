// The service types of this program: those found in services/, and the two the program brings
// itself (health, admin), seen as one list by the configuration, the table and `polyport services`.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/service.h"
#include "core/settings/settings.h"

namespace polyport {

// The internal types last.
std::span<const ServiceType* const> all_types();
// Null where there is none.
const ServiceType* find_type(std::string_view name);

// The option rows of all types as the settings loader wants them.
Schema make_schema();

// The row that describes an option of a type, the type's own before the common one. Null where
// there is none.
const OptionSpec* find_option(const ServiceType& type, std::string_view option);
// Every row of a type, common ones first, without those that the type's own rows replace.
std::vector<const OptionSpec*> all_options(const ServiceType& type);

}  // namespace polyport
