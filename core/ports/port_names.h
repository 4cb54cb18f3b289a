// The names that IANA registered for port numbers.
//
// A name says what a number is meant for; nothing enforces it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/ports/endpoint.h"

namespace polyport {

// Of about 60 ports that people really run, compiled in: "http" for 80. Empty for every other, and
// for a unix socket.
std::string_view well_known_port_name(std::uint16_t port, Transport transport);

// The number that belongs to a name of that list.
std::optional<std::uint16_t> well_known_port(std::string_view name);

// As well_known_port_name, else as this system names it (/etc/services). Reads files; not for a hot
// path.
std::string port_name(std::uint16_t port, Transport transport);

// The same for many ports: the files are read once, here.
class PortNames {
 public:
  PortNames();

  std::string_view find(std::uint16_t port, Transport transport) const;

 private:
  std::map<std::pair<Transport, std::uint16_t>, std::string> system_;
};

// The number of a name, of that list or else of this system. Reads files, as port_name does.
std::optional<std::uint16_t> port_number(std::string_view name, Transport transport);

// `did you mean "http"?` for a name that is near one of that list, or empty.
std::string did_you_mean_port(std::string_view name);

}  // namespace polyport
