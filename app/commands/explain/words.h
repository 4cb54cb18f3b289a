// What was found, in words for a person: what the number is, who has the port, what you would get.
#pragma once

#include <string>
#include <vector>

#include "app/commands/explain/subjects.h"

namespace polyport {

// Of subjects that are explained. Asks the kernel how many connections use their ports.
std::string text_of(const std::vector<Found>& found);

}  // namespace polyport
