#include "services/http/client.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/http/characters.h"
#include "core/net/tls.h"

namespace polyport::services::http {
namespace {

using polyport::http::Request;
using polyport::http::trim_blanks;

std::string_view bytes_of(const Address& address) {
  const std::size_t size = address.family == Family::kIPv4 ? 4 : 16;
  return {reinterpret_cast<const char*>(address.ip.data()), size};
}

bool same_bits(std::string_view left, std::string_view right, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (left.substr(0, whole) != right.substr(0, whole)) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xff00u >> (bits % 8) & 0xff;
  return ((static_cast<unsigned char>(left[whole]) ^ static_cast<unsigned char>(right[whole])) &
          mask) == 0;
}

Error bad_network(std::string_view text) {
  return {ErrorCode::kBadValue, quoted(text, 60) + " is no network", "",
          "write an address or a network such as \"10.0.0.0/8\" or \"fd00::/8\", or \"unix\""};
}

// "[2001:db8::1]:443" and "192.0.2.1:443" are written by some proxies.
std::optional<Address> address_in(Bytes text) {
  text = trim_blanks(text);
  if (text.starts_with('[')) {
    text = text.substr(1, std::min(text.find(']'), text.size()) - 1);
  } else if (const std::size_t colon = text.find(':');
             colon != Bytes::npos && text.find(':', colon + 1) == Bytes::npos) {
    text = text.substr(0, colon);
  }
  return Address::parse_ip(text);
}

// The last address of the list that is no trusted proxy; the first of all where every one is.
std::optional<Address> forwarded_for(const Request& request, const Networks& trusted) {
  std::optional<Address> result;
  for (std::size_t i = request.headers.size(); i-- > 0;) {
    const auto& header = request.headers[i];
    if (!equals_ignoring_case(header.name, "X-Forwarded-For")) continue;
    for (Bytes rest = header.value;;) {
      const std::size_t comma = rest.rfind(',');
      const auto address = address_in(comma == Bytes::npos ? rest : rest.substr(comma + 1));
      if (!address) return result;  // behind this nobody knows who wrote what
      result = address;
      if (!trusted.contain(*address)) return result;
      if (comma == Bytes::npos) break;
      rest = rest.substr(0, comma);
    }
  }
  return result;
}

std::optional<Address> named_by_proxy(const Request& request, const Networks& trusted) {
  if (const auto address = forwarded_for(request, trusted)) return address;
  for (const Bytes name :
       {"Fly-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "True-Client-IP", "X-Real-IP"}) {
    const auto* const header = request.find(name);
    if (header == nullptr) continue;
    if (const auto address = address_in(header->value)) return address;
  }
  return std::nullopt;
}

// `ours` where the proxy says nothing: what it speaks with us is the best that is known.
std::string_view scheme_by_proxy(const Request& request, std::string_view ours) {
  Bytes scheme = request.value("X-Forwarded-Proto");
  if (scheme.empty()) scheme = request.value("X-Forwarded-Protocol");
  if (!scheme.empty()) return equals_ignoring_case(scheme, "https") ? "https" : "http";
  const Bytes ssl = request.value("X-Forwarded-Ssl");
  if (ssl.empty()) return ours;
  return equals_ignoring_case(ssl, "on") ? "https" : "http";
}

}  // namespace

Result<Networks> Networks::parse(const std::vector<std::string>& list) {
  Networks networks;
  for (const std::string& text : list) {
    if (text == "unix") {
      networks.unix_ = true;
      continue;
    }
    const std::size_t slash = text.find('/');
    const auto address = Address::parse_ip(std::string_view(text).substr(0, slash));
    if (!address) return tl::unexpected(bad_network(text));
    const unsigned most = address->family == Family::kIPv4 ? 32 : 128;
    std::optional<unsigned> bits = most;
    if (slash != std::string::npos) {
      bits = parse_number<unsigned>(std::string_view(text).substr(slash + 1), 0, most);
    }
    if (!bits) return tl::unexpected(bad_network(text));
    networks.nets_.push_back({*address, *bits});
  }
  return networks;
}

bool Networks::contain(const Address& address) const {
  if (address.family == Family::kUnix) return unix_;
  for (const Net& net : nets_) {
    if (net.address.family == address.family &&
        same_bits(bytes_of(net.address), bytes_of(address), net.bits)) {
      return true;
    }
  }
  return false;
}

Client client_of(polyport::http::Exchange& exchange, const Networks& trusted) {
  const Address peer = exchange.connection().peer();
  const bool encrypted = is_encrypted(exchange.connection());
  Client client{peer.ip_text(), peer.port, encrypted ? "https" : "http"};
  if (trusted.empty() || !trusted.contain(peer)) return client;
  client.scheme = scheme_by_proxy(exchange.request(), client.scheme);
  const auto named = named_by_proxy(exchange.request(), trusted);
  if (!named) return client;
  client.ip = named->ip_text();
  client.port = 0;
  client.through_proxy = true;
  return client;
}

}  // namespace polyport::services::http
