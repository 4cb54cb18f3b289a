// Fuzz target: the tables of /proc/net, any text. The first byte chooses the table.
//
// One socket a line at most, with a state that has a name and an address that can be shown.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/assert.h"
#include "core/ports/socket_tables.h"

using namespace polyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr SocketTable kTables[] = {{Transport::kTcp, Family::kIPv4},
                                     {Transport::kTcp, Family::kIPv6},
                                     {Transport::kUdp, Family::kIPv4},
                                     {Transport::kUnix, Family::kUnix}};
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const SocketTable& table = kTables[data[0] % std::size(kTables)];
  const auto found = parse_proc_net(table, text);
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  POLYPORT_ASSERT(found.size() <= static_cast<std::size_t>(lines));
  for (const KernelSocket& each : found) {
    POLYPORT_ASSERT(!name(each.state).empty() && !each.local.text().empty());
    POLYPORT_ASSERT((table.transport == Transport::kUnix) == !each.path.empty());
    POLYPORT_ASSERT(each.path.find('\n') == std::string::npos);
  }
  return 0;
}
