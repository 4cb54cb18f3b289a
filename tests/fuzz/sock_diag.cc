// Fuzz target: an answer of NETLINK_SOCK_DIAG, any bytes.
//
// Nothing is read that is not there, nothing is found that was not, and what was found can be
// shown.
#include "core/socket/sock_diag.h"

#include <cstddef>
#include <cstdint>

#include "core/base/assert.h"
#include "core/ports/socket_tables.h"

using namespace polyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(reinterpret_cast<const char*>(data), size);
  std::vector<sock::DiagSocket> found;
  const sock::DiagPart part = sock::read_diag_part(input, 7, found);
  POLYPORT_ASSERT((part.error != 0) == (part.next == sock::DiagPart::Next::kFailed));
  // A message has a header of 16 bytes at least.
  POLYPORT_ASSERT(found.size() <= size / 16);
  for (const sock::DiagSocket& each : found) {
    POLYPORT_ASSERT(!each.local.text().empty() && each.path.size() <= size);
    for (const Transport transport : {Transport::kTcp, Transport::kUnix}) {
      const auto socket = from_diag(transport, each);
      POLYPORT_ASSERT(!socket || !name(socket->state).empty());
      POLYPORT_ASSERT(!socket || transport != Transport::kUnix || !each.path.empty());
    }
  }
  return 0;
}
