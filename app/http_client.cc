#include "app/http_client.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/ports/resolve.h"

namespace polyport {
namespace {

constexpr std::string_view kPlain = "http://";
constexpr std::string_view kSecure = "https://";

}  // namespace

Result<HttpUrl> parse_http_url(std::string_view text, std::string_view example) {
  const auto unusable = [example](std::string what) {
    return failure(ErrorCode::kBadValue, std::move(what), {},
                   "for example " + std::string(example));
  };
  HttpUrl url;
  url.secure = text.starts_with(kSecure);
  if (!url.secure && !text.starts_with(kPlain)) {
    return unusable("the URL does not begin with http:// or https://");
  }
  const std::string_view rest = text.substr(url.secure ? kSecure.size() : kPlain.size());
  const std::size_t slash = rest.find('/');
  url.host_and_port = rest.substr(0, slash);
  url.path = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  // The path stands in a request line: a space or a line feed would end it.
  if (std::any_of(url.path.begin(), url.path.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    return unusable("the path of the URL has a character that none has");
  }
  const std::size_t colon = url.host_and_port.find(':', url.host_and_port.rfind(']') + 1);
  const bool has_port = colon != std::string::npos;
  auto endpoint = parse_endpoint(url.host_and_port + (has_port ? "" : url.secure ? ":443" : ":80"));
  if (!endpoint) return tl::unexpected(endpoint.error());
  if (endpoint->transport != Transport::kTcp || endpoint->host == "*" ||
      endpoint->first_port != endpoint->last_port || endpoint->first_port == 0) {
    return unusable("the URL does not name one host and one port");
  }
  url.endpoint = *std::move(endpoint);
  return url;
}

Result<ClientSocket> connect_to(const HttpUrl& url, ClientSocket::Deadline deadline) {
  const auto found = look_up(url.endpoint.host);
  if (!found) return tl::unexpected(found.error());
  int error = 0;
  for (Address address : found->addresses) {
    address.port = url.endpoint.first_port;
    ClientSocket socket;
    error = socket.open(ClientSocket::Kind::kStream, address.family);
    if (error == 0) error = socket.connect(address, deadline);
    if (error == 0) return socket;
  }
  if (error == ECONNREFUSED) {
    return failure(ErrorCode::kNotFound, "refused: nobody listens on this port");
  }
  if (error == ETIMEDOUT) return failure(ErrorCode::kSystem, "no connection in time");
  return failure(ErrorCode::kSystem, std::string("no connection: ") + std::strerror(error));
}

}  // namespace polyport
