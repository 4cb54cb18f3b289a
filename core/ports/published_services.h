// What a running polyport tells about itself in the memory file that read_published_services()
// reads: which of its services listens where.
//
// Pure. Another process wrote the text: it is bounded, checked, and made fit to be shown.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/ports/kernel_sockets.h"

namespace polyport {

struct PublishedListener {
  std::string service;
  Transport transport = Transport::kTcp;
  Address address;   // of family kUnix where it has a path
  std::string path;  // unix only, as in Endpoint
};

// The listeners of a ready line; none where the text is another.
std::vector<PublishedListener> parse_published_services(Bytes text);

// The service that a socket of that process belongs to: its listener, or a connection that came to
// one. Empty where it is none of them.
std::string service_of(const KernelSocket& socket, std::span<const PublishedListener> listeners);

}  // namespace polyport
