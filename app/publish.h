// PublishedServices: lets another polyport of the same user name the service that has a port.
//
// The list lies in a sealed memory file among our descriptors, where /proc shows it to this user
// and root only; core/ports/processes.h reads it. No file is written, and it is gone with us.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/base/memory_file.h"
#include "core/service.h"

namespace polyport {

class PublishedServices {
 public:
  // In place of what was published before. False where this system has no memory files, which is
  // no harm.
  bool publish(std::string_view text);

 private:
  MemoryFile file_;
};

// The ready line without its figures: of a thousand ports it still is one that others will read.
std::string published_text(std::span<const ServiceStatus> services);

}  // namespace polyport
