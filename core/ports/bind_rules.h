// The rules by which Linux lets two sockets share a port or not, as data and as sentences.
//
// Pure: no socket is opened. What the kernel really answers is tried by `polyport bind-matrix`, and
// a test holds these rules against it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/ports/kernel_sockets.h"
#include "core/ports/ranges.h"
#include "core/ports/resolve.h"

namespace polyport {

// Why a bind fails. The closed list is the word in JSON at once.
enum class BindRule : std::uint8_t {
  kNone,
  kSameEndpoint,           // same address, same port
  kWildcardOverSpecific,   // 0.0.0.0 or [::] wanted, one address of it is taken
  kSpecificUnderWildcard,  // one address wanted, every address is taken
  kDualStackOverIpv4,      // [::] for both families wanted, IPv4 is taken
  kIpv4UnderDualStack,     // IPv4 wanted, [::] of both families has it
  kBoundNotListening,      // a socket that only bound still owns the port
  kTimeWait,               // the last connection lingers, and one side lacks SO_REUSEADDR
  kLiveChild,              // the listener is gone, a connection it accepted is not
  kEphemeralLocalPort,     // lent to an outgoing connection
  kReuseportMissing,       // sharing wanted, the holder has not set SO_REUSEPORT
  kReuseportOtherUser,     // sharing wanted, the holder is another user's
  kPrivilegedPort,
  kAddressNotLocal,
  kFamilyUnavailable,
  kPathInUse,
  kPathStale,
  kPathNotSocket,
  kPathTooLong,
  kPermission,
  kDescriptorLimit,
};
std::string_view name(BindRule rule);  // "same_endpoint", …
// The rule as a sentence of general truth, without a full stop; empty for kNone.
std::string_view sentence(BindRule rule);

// Whether two addresses of one transport and port cover a common address, and by which rule the
// second is refused. An IPv6 wildcard that is not v6only covers IPv4 too. Holds for two servers
// without SO_REUSEPORT, whatever SO_REUSEADDR says.
std::optional<BindRule> overlap(const Address& wanted, IPv6Mode wanted_mode, const Address& holder,
                                IPv6Mode holder_mode);
// The same for two sockets this process means to open: different transports or ports never
// conflict, port 0 never does, unix sockets do by their path.
std::optional<BindRule> overlap(const BindTarget& wanted, const BindTarget& holder);

// What is needed to judge a holder beside itself.
struct Surroundings {
  std::span<const KernelSocket> sockets;  // of this machine, all that is known
  EphemeralRange ephemeral;
};

// Whether a connected TCP socket came from connect() here, rather than from a listener: somebody
// here listens at its far end, or only its near port is one that the kernel lends.
bool is_outgoing(const KernelSocket& connection, const Surroundings& surroundings);

// Whether `holder` can be what kept a socket off `wanted`, and by which rule. It explains a refusal
// that has happened and foretells none: whether the holder of a lingering connection had set
// SO_REUSEADDR cannot be seen.
std::optional<BindRule> explains_refusal(const BindTarget& wanted, const KernelSocket& holder,
                                         const Surroundings& surroundings);

}  // namespace polyport
