// What a person should know of [server] workers before a start: in the notes of `check` and of the
// table.
#pragma once

#include <string>
#include <vector>

#include "app/configuration.h"

namespace polyport {

// None where one process does it all because that is what is written.
std::vector<std::string> worker_notes(const Workers& workers,
                                      const std::vector<ServicePlan>& plans);

}  // namespace polyport
