// The lines of one service in the table of `polyport run`.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/service.h"

namespace polyport {

struct TableRow {
  std::string listens_on;  // "tcp+udp 127.0.0.1:10007 [::1]:10007"
  std::string range;       // "user"
  std::string reach;       // "this machine", "your network: 10.1.2.3"
  std::string try_it;
};

// One line for each door, number and set of transports; at most kMaxTableRows, then one that counts
// the rest.
std::vector<TableRow> table_rows(const ServiceStatus& service,
                                 std::span<const ServiceType* const> types,
                                 std::span<const Address> networks);

inline constexpr std::size_t kMaxTableRows = 6;

}  // namespace polyport
