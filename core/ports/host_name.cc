// Host names (RFC 1123 section 2.1, with the underscore that container networks use) and literals.
#include "core/ports/host_name.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "core/base/text.h"
#include "core/socket/address.h"

namespace polyport {
namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestInterface = 15;

constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
constexpr std::string_view kInterfaceLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@";

tl::unexpected<Error> bad(std::string what, std::string hint = {}) {
  return failure(ErrorCode::kBadValue, std::move(what), {}, std::move(hint));
}

bool consists_of(std::string_view text, std::string_view letters) {
  return text.find_first_not_of(letters) == std::string_view::npos;
}

Result<Address> check_reachable(const Address& address) {
  if (address.is_multicast()) {
    return bad(address.ip_text() + " is a multicast address, which stands for a group of hosts",
               "write an address of one host, or * for every address of this machine");
  }
  if (address.is_broadcast()) {
    return bad(address.ip_text() + " is the broadcast address, which stands for every host",
               "write an address of one host, or * for every address of this machine");
  }
  return address;
}

// Why digits and dots are no IPv4 address.
tl::unexpected<Error> bad_ipv4(std::string_view host) {
  const std::string shown = quoted(host, 60);
  if (consists_of(host, ".")) return bad("the host " + shown + " is nothing but dots");
  if (host.ends_with('.') && Address::parse_ip(host.substr(0, host.size() - 1))) {
    return bad(shown + " is no IPv4 address: a dot follows it",
               "write " + std::string(host.substr(0, host.size() - 1)));
  }
  const auto parts = split(host, '.');
  if (parts.size() != 4) {
    return bad(shown + " is no IPv4 address: it has " + std::to_string(parts.size()) +
                   (parts.size() == 1 ? " number" : " numbers") + " instead of 4",
               "write all four, for example 127.0.0.1");
  }
  for (const std::string_view part : parts) {
    if (part.empty()) return bad(shown + " is no IPv4 address: a number is missing");
    if (part.size() > 1 && part.front() == '0') {
      return bad(shown + " is no IPv4 address: " + quoted(part, 20) + " begins with a zero",
                 "some programs read that as octal; write it without the zero");
    }
    if (!parse_number<int>(part, 0, 255)) {
      return bad(shown + " is no IPv4 address: " + printable(part, 20) + " is over 255");
    }
  }
  return bad(shown + " is no IPv4 address");
}

Result<std::string> check_name(std::string_view host) {
  const std::string name = to_lower(host);
  const std::string shown = quoted(host, 60);
  if (const auto at = name.find_first_not_of(kNameLetters); at != std::string::npos) {
    if (host[at] == '/') {
      return bad("the host " + shown + " has a slash in it",
                 "one address stands there and no network; * is every address of this machine");
    }
    const std::size_t length = std::max<std::size_t>(1, utf8_length(host, at));
    return bad("the host name " + shown +
                   " has a character that no name has: " + quoted(host.substr(at, length)),
               "letters, digits, hyphens and dots; other scripts in their xn-- form");
  }
  if (name.size() > kLongestName) {
    return bad("the host name " + shown + " has " + std::to_string(name.size()) + " characters, " +
               std::to_string(kLongestName) + " are allowed");
  }
  const std::string_view without_root =
      name.ends_with('.') ? std::string_view(name).substr(0, name.size() - 1) : name;
  for (const std::string_view label : split(without_root, '.')) {
    if (label.empty()) return bad("the host name " + shown + " has nothing between two dots");
    if (label.size() > kLongestLabel) {
      return bad("the host name " + shown + " has a part of " + std::to_string(label.size()) +
                 " characters, " + std::to_string(kLongestLabel) + " are allowed");
    }
    if (label.front() == '-' || label.back() == '-') {
      return bad("the host name " + shown + " has a part that begins or ends with a hyphen");
    }
  }
  return name;
}

// "0x7f000001", "0x7f.1": no resolver would ask a name server for it.
Result<std::string> refuse_odd_number(std::string&& name) {
  in_addr number{};
  if (::inet_aton(name.c_str(), &number) == 0) return std::move(name);
  Address address;
  address.family = Family::kIPv4;
  std::memcpy(address.ip.data(), &number, sizeof number);
  return bad(quoted(name, 60) + " is an IPv4 address in another notation",
             "write " + address.ip_text());
}

}  // namespace

Result<std::string> check_host(std::string_view host) {
  if (host == "*") return std::string(host);
  if (host.find('*') != std::string_view::npos) {
    return bad("the host " + quoted(host, 60) + " has a * in it",
               "* stands alone and means every address of this machine");
  }
  if (!consists_of(host, "0123456789.")) return check_name(host).and_then(refuse_odd_number);
  const auto address = Address::parse_ip(host);
  if (!address) return bad_ipv4(host);
  return check_reachable(*address).map([](const Address& known) { return known.ip_text(); });
}

Result<std::string> check_bracketed_host(std::string_view literal) {
  const std::size_t percent = literal.find('%');
  const std::string_view ip = literal.substr(0, percent);
  const auto address = Address::parse_ip(ip);
  if (literal.empty()) return bad("the brackets are empty", "for example [::1]:8080");
  if (ip.find(':') == std::string_view::npos || !address) {
    return bad(quoted(literal, 60) + " is no IPv6 address",
               address || literal == "*" || consists_of(ip, kNameLetters)
                   ? "brackets are for IPv6 addresses only; write the host without them"
                   : "for example [::1]:8080");
  }
  if (auto reachable = check_reachable(*address); !reachable) {
    return tl::unexpected(reachable.error());
  }
  const bool link_local = address->is_link_local();
  if (percent == std::string_view::npos) {
    if (!link_local) return address->ip_text();
    return bad(address->ip_text() + " is a link-local address and needs its interface",
               "for example [" + address->ip_text() + "%eth0]:8080");
  }
  const std::string_view interface = literal.substr(percent + 1);
  if (interface.empty() || interface.size() > kLongestInterface ||
      !consists_of(interface, kInterfaceLetters)) {
    return bad(quoted(interface, 60) + " after the % is no name of an interface",
               "`ip address` lists them");
  }
  if (!link_local) {
    return bad(address->ip_text() + " is not link-local and takes no interface",
               "leave out %" + std::string(interface));
  }
  return address->ip_text() + "%" + std::string(interface);
}

bool is_localhost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return equals_ignoring_case(host, "localhost") ||
         (host.size() > 10 && equals_ignoring_case(host.substr(host.size() - 10), ".localhost"));
}

}  // namespace polyport
