// The compiled-in list is IANA's service name registry (RFC 6335 section 8), cut down to what is
// met in practice; where everybody knows a port by an unregistered name (3000, 8000) it is left
// out.
#include "core/ports/port_names.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace polyport {
namespace {

constexpr Transports kTcp = transports(Transport::kTcp);
constexpr Transports kUdp = transports(Transport::kUdp);
constexpr Transports kBoth = kTcp | kUdp;

struct Row {
  std::uint16_t port;
  Transports where;
  std::string_view name;
};

// Sorted by port.
constexpr std::array kRows = std::to_array<Row>({
    {7, kBoth, "echo"},
    {9, kBoth, "discard"},
    {13, kBoth, "daytime"},
    {17, kBoth, "qotd"},
    {19, kBoth, "chargen"},
    {20, kTcp, "ftp-data"},
    {21, kTcp, "ftp"},
    {22, kTcp, "ssh"},
    {23, kTcp, "telnet"},
    {25, kTcp, "smtp"},
    {37, kBoth, "time"},
    {43, kTcp, "whois"},
    {53, kBoth, "domain"},
    {67, kUdp, "bootps"},
    {68, kUdp, "bootpc"},
    {69, kUdp, "tftp"},
    {70, kTcp, "gopher"},
    {79, kTcp, "finger"},
    {80, kBoth, "http"},
    {88, kBoth, "kerberos"},
    {110, kTcp, "pop3"},
    {111, kBoth, "sunrpc"},
    {113, kTcp, "ident"},
    {119, kTcp, "nntp"},
    {123, kUdp, "ntp"},
    {137, kUdp, "netbios-ns"},
    {139, kTcp, "netbios-ssn"},
    {143, kTcp, "imap"},
    {161, kUdp, "snmp"},
    {162, kUdp, "snmptrap"},
    {179, kTcp, "bgp"},
    {194, kTcp, "irc"},
    {389, kBoth, "ldap"},
    {443, kBoth, "https"},
    {445, kTcp, "microsoft-ds"},
    {465, kTcp, "submissions"},
    {500, kUdp, "isakmp"},
    {514, kUdp, "syslog"},
    {515, kTcp, "printer"},
    {546, kUdp, "dhcpv6-client"},
    {547, kUdp, "dhcpv6-server"},
    {554, kBoth, "rtsp"},
    {587, kTcp, "submission"},
    {631, kBoth, "ipp"},
    {636, kTcp, "ldaps"},
    {853, kBoth, "domain-s"},
    {873, kTcp, "rsync"},
    {989, kTcp, "ftps-data"},
    {990, kTcp, "ftps"},
    {993, kTcp, "imaps"},
    {995, kTcp, "pop3s"},
    {1080, kTcp, "socks"},
    {1433, kTcp, "ms-sql-s"},
    {1521, kTcp, "ncube-lm"},
    {1883, kTcp, "mqtt"},
    {1900, kUdp, "ssdp"},
    {2049, kBoth, "nfs"},
    {3128, kTcp, "ndl-aas"},
    {3306, kTcp, "mysql"},
    {3389, kBoth, "ms-wbt-server"},
    {3478, kBoth, "stun"},
    {5060, kBoth, "sip"},
    {5222, kTcp, "xmpp-client"},
    {5353, kUdp, "mdns"},
    {5432, kTcp, "postgresql"},
    {5672, kTcp, "amqp"},
    {5900, kTcp, "rfb"},
    {6379, kTcp, "redis"},
    {6667, kTcp, "ircu"},
    {6697, kTcp, "ircs-u"},
    {8080, kTcp, "http-alt"},
    {8883, kTcp, "secure-mqtt"},
    {9418, kTcp, "git"},
    {11211, kBoth, "memcache"},
    {27017, kTcp, "mongodb"},
});

static_assert(std::is_sorted(kRows.begin(), kRows.end(),
                             [](const Row& a, const Row& b) { return a.port < b.port; }));

std::string system_port_name(std::uint16_t port, Transport transport) {
  servent entry{};
  servent* found = nullptr;
  std::array<char, 1024> buffer{};
  const std::string protocol(name(transport));
  const int failed =
      getservbyport_r(htons(port), protocol.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return failed == 0 && found != nullptr ? std::string(found->s_name) : std::string();
}

std::optional<std::uint16_t> system_port_number(const std::string& name, Transport transport) {
  servent entry{};
  servent* found = nullptr;
  std::array<char, 1024> buffer{};
  const std::string protocol(polyport::name(transport));
  const int failed =
      getservbyname_r(name.c_str(), protocol.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (failed != 0 || found == nullptr) return std::nullopt;
  return ntohs(static_cast<std::uint16_t>(found->s_port));
}

}  // namespace

std::string_view well_known_port_name(std::uint16_t port, Transport transport) {
  const auto row = std::lower_bound(kRows.begin(), kRows.end(), port,
                                    [](const Row& each, std::uint16_t p) { return each.port < p; });
  if (row == kRows.end() || row->port != port || !contains(row->where, transport)) return {};
  return row->name;
}

std::optional<std::uint16_t> well_known_port(std::string_view name) {
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& each) { return each.name == name; });
  if (row == kRows.end()) return std::nullopt;
  return row->port;
}

std::string port_name(std::uint16_t port, Transport transport) {
  const std::string_view known = well_known_port_name(port, transport);
  if (!known.empty() || transport == Transport::kUnix) return std::string(known);
  return system_port_name(port, transport);
}

std::optional<std::uint16_t> port_number(std::string_view name, Transport transport) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& each) {
    return each.name == name && contains(each.where, transport);
  });
  if (row != kRows.end()) return row->port;
  if (transport == Transport::kUnix || name.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  return system_port_number(std::string(name), transport);
}

std::string did_you_mean_port(std::string_view name) {
  std::array<std::string_view, kRows.size()> names;
  std::transform(kRows.begin(), kRows.end(), names.begin(),
                 [](const Row& row) { return row.name; });
  return did_you_mean(name, names);
}

PortNames::PortNames() {
  servent entry{};
  servent* found = nullptr;
  std::array<char, 1024> buffer{};
  ::setservent(0);
  while (::getservent_r(&entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    const std::uint16_t port = ntohs(static_cast<std::uint16_t>(entry.s_port));
    const std::string_view protocol = entry.s_proto;
    for (const Transport transport : {Transport::kTcp, Transport::kUdp}) {
      // The first of several names counts, as when one port is asked for.
      if (protocol == name(transport)) system_.try_emplace({transport, port}, entry.s_name);
    }
  }
  ::endservent();
}

std::string_view PortNames::find(std::uint16_t port, Transport transport) const {
  const std::string_view known = well_known_port_name(port, transport);
  if (!known.empty()) return known;
  const auto found = system_.find({transport, port});
  return found == system_.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace polyport
