// Dial: from the words of the command line to a connected socket.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands/connect/words.h"
#include "core/base/result.h"
#include "core/ports/endpoint.h"
#include "core/socket/client_socket.h"

namespace polyport {

// Where to connect, and from where. Every address has its port.
struct Destination {
  Transport transport = Transport::kTcp;
  std::vector<Address> addresses;  // to be tried in this order; one of family kUnix for a path
  std::string path;
  std::string host;  // as written: what a certificate must be for
  // The near end by family; of family kNone where the system chooses.
  Address local_ipv4;
  Address local_ipv6;
};

// Looks up host names, which blocks. `bind` is empty, "ADDR:PORT" or ":PORT".
Result<Destination> read_destination(std::string_view target, std::string_view bind);

struct Dialled {
  ClientSocket socket;  // open where failures is empty or a later address answered
  Ends ends;
  std::vector<Failure> failures;  // one an address, until one answered
  bool connected = false;
};

// Tries the addresses in turn, as curl does, within `wait` for all of them together.
Dialled dial(const Destination& destination, std::chrono::milliseconds wait);

}  // namespace polyport
