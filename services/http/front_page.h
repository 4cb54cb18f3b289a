// The page at "/": who you are, what you reached, and every service of the process as a door to
// try.
#pragma once

#include <string>

#include "core/http/handler.h"
#include "core/service.h"
#include "services/http/options.h"

namespace polyport::services::http {

// One way into a service, ready to be shown. Nothing in it is escaped yet.
struct DoorLine {
  std::string service;
  std::string summary;
  std::string number;  // the port, or the path of a unix socket
  std::string transport;
  std::string try_it;
  std::string link;  // empty where a browser cannot open it
};

// The endpoints of one subject, each with a link that tries it.
struct EndpointGroup {
  std::string name;
  struct Endpoint {
    std::string path;
    std::string summary;
    std::string link;  // empty where a link cannot ask for it (POST)
  };
  std::vector<Endpoint> endpoints;
};

struct FrontPage {
  std::string you;
  std::string reached;
  std::string server_name;
  std::uint64_t sockets = 0;
  std::vector<DoorLine> doors;
  std::vector<EndpointGroup> endpoints;
  std::string prefix;
};

// `reached_host` is the host the client used, without a port: the name under which a listener on
// every address can be tried.
FrontPage front_page(const HostView& host, const Connection& connection, Bytes authority,
                     const SiteOptions& options);

std::string front_page_text(const FrontPage& page);
std::string front_page_html(const FrontPage& page);

}  // namespace polyport::services::http
