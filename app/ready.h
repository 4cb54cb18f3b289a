// Ready: tells a script or a supervisor that everything is open, and where.
#pragma once

#include <optional>
#include <string>

#include "core/service.h"

namespace polyport {

// {"event":"ready","pid":…,"services":[…]} and a newline; the services as GET /api/v1/services has
// them.
std::string ready_line(const HostView& host);

// Zero, or the errno.
int write_all(int fd, std::string_view bytes);

// Writes the line whole, then closes the descriptor (unless it is a standard one).
Result<void> write_ready_fd(int fd, std::string_view line);
// The file appears whole or not at all.
Result<void> write_ready_file(const std::string& path, std::string_view line);

}  // namespace polyport
