// Sources: from which address and port each socket of a swarm goes out.
//
// One address has only so many ports that the kernel lends, and each can be used once towards one
// endpoint: that is where a swarm ends that does not say where it comes from. On loopback every
// address of 127.0.0.0/8 is ours, so the sockets are spread over as many as it takes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/ports/ranges.h"
#include "core/socket/address.h"

namespace polyport::swarm {

struct SourceRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  std::uint32_t count() const { return std::uint32_t{last} - first + 1; }
};

// "50000-50009" or "50000".
Result<SourceRange> parse_source_ports(std::string_view text);

// Ports that the kernel lends: of this range, without the reserved ones.
std::uint32_t lendable_ports(EphemeralRange range, const PortSet& reserved);

class Sources {
 public:
  struct Request {
    std::vector<Address> addresses;    // as wished for; empty: whatever suits
    std::optional<SourceRange> ports;  // as wished for
    Address target;                    // of family kUnix: sources mean nothing
    std::uint32_t sockets = 0;         // that will go to it
    std::uint32_t lendable = 28'232;   // ports of one address
  };

  // Fails where the sockets cannot all have a port and nothing can be done about it here.
  static Result<Sources> choose(const Request& request);

  // Of the n-th socket to this target; nothing: the kernel chooses both.
  std::optional<Address> of(std::uint32_t socket) const;
  // A sentence about the spread, where one was needed; else empty.
  const std::string& note() const { return note_; }
  const std::vector<Address>& addresses() const { return addresses_; }

 private:
  std::vector<Address> addresses_;
  std::optional<SourceRange> ports_;
  std::string note_;
};

}  // namespace polyport::swarm
