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
  std::string where;  // its place in that polyport's configuration
  Transport transport = Transport::kTcp;
  Address address;   // of family kUnix where it has a path
  std::string path;  // unix only, as in Endpoint
};

struct PublishedFacts {
  std::vector<PublishedListener> listeners;
  // Of a worker process: whose. To be held against its parent, because anybody can write it.
  int supervisor = 0;
};

// Of a ready line; nothing where the text is another.
PublishedFacts read_published_line(Bytes text);
// The listeners alone.
std::vector<PublishedListener> parse_published_services(Bytes text);

// The listener that a socket of that process is, or came to as a connection. Null where it is none.
const PublishedListener* listener_of(const KernelSocket& socket,
                                     std::span<const PublishedListener> listeners);
// Its service; empty where there is none.
std::string service_of(const KernelSocket& socket, std::span<const PublishedListener> listeners);

}  // namespace polyport
