#include "core/http/websocket_origin.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "core/http/target.h"
#include "core/ports/host_name.h"
#include "core/socket/address.h"

namespace polyport::http {
namespace {

constexpr std::array<Bytes, 5> kPrivateDomains = {".localhost", ".local", ".internal", ".home.arpa",
                                                  ".test"};

// "host" of "host", "host:80", "[::1]" and "[::1]:80", in lower case and without brackets.
std::string host_of(Bytes authority) {
  if (authority.starts_with('[')) {
    return to_lower(authority.substr(1, std::min(authority.find(']'), authority.size()) - 1));
  }
  return to_lower(authority.substr(0, authority.find(':')));
}

// What stands behind "://", if the origin is one with a host.
Bytes authority_of(Bytes origin) {
  const std::size_t at = origin.find("://");
  if (at == Bytes::npos) return {};
  const Bytes authority = origin.substr(at + 3);
  return is_valid_authority(authority) ? authority : Bytes{};
}

bool is_this_machine(const std::string& host) {
  if (is_localhost(host)) return true;
  const auto address = Address::parse_ip(host);
  return address && address->is_loopback();
}

// Else whoever has a name of their own could let it point to this machine, and their page would be
// of the same host (DNS rebinding).
bool is_beyond_foreign_names(const std::string& host) {
  if (Address::parse_ip(host) || host.find('.') == std::string::npos) return true;
  return std::any_of(kPrivateDomains.begin(), kPrivateDomains.end(),
                     [&host](Bytes domain) { return host.ends_with(domain); });
}

}  // namespace

bool may_open_websocket(Bytes origin, Bytes authority, std::span<const std::string> allowed) {
  if (origin.empty()) return true;
  const bool named = std::any_of(allowed.begin(), allowed.end(), [&](const std::string& each) {
    return each == "*" || equals_ignoring_case(each, origin);
  });
  if (named) return true;
  const std::string page = host_of(authority_of(origin));
  if (page.empty()) return false;
  return is_this_machine(page) || (page == host_of(authority) && is_beyond_foreign_names(page));
}

bool is_origin_pattern(Bytes text) {
  if (text == "*" || text == "null") return true;
  const Bytes scheme = text.substr(0, text.find("://"));
  const bool known = equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "https");
  return known && !authority_of(text).empty();
}

}  // namespace polyport::http
