#include "app/http_get.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/text.h"
#include "core/http/response_reader.h"
#include "core/ports/endpoint.h"
#include "core/ports/resolve.h"
#include "core/socket/client_socket.h"
#include "core/socket/waiting.h"

namespace polyport {
namespace {

using std::chrono::milliseconds;
using Deadline = ClientSocket::Deadline;

constexpr std::string_view kScheme = "http://";
constexpr std::size_t kMostBody = 8 * 1024 * 1024;

std::string_view authority_of(std::string_view url) {
  url.remove_prefix(std::min(url.size(), kScheme.size()));
  while (url.ends_with('/'))
    url.remove_suffix(1);
  return url;
}

Result<Endpoint> endpoint_of(std::string_view url) {
  const auto unusable = [&url](std::string what) {
    return failure(ErrorCode::kBadValue, std::move(what), printable(url, 100),
                   "for example http://localhost:9900");
  };
  if (!url.starts_with(kScheme)) return unusable("the URL does not begin with http://");
  const std::string_view authority = authority_of(url);
  if (authority.find('/') != std::string_view::npos) return unusable("the URL has a path");
  const bool has_port = authority.find(':', authority.rfind(']') + 1) != std::string_view::npos;
  auto endpoint = parse_endpoint(std::string(authority) + (has_port ? "" : ":80"));
  if (!endpoint) return tl::unexpected(endpoint.error());
  if (endpoint->transport != Transport::kTcp || endpoint->host == "*" ||
      endpoint->first_port != endpoint->last_port || endpoint->first_port == 0) {
    return unusable("the URL does not name one host and one port");
  }
  return endpoint;
}

Result<ClientSocket> connect_to(const Endpoint& endpoint, Deadline deadline) {
  const auto found = look_up(endpoint.host);
  if (!found) return tl::unexpected(found.error());
  int error = 0;
  for (Address address : found->addresses) {
    address.port = endpoint.first_port;
    ClientSocket socket;
    error = socket.open(ClientSocket::Kind::kStream, address.family);
    if (error == 0) error = socket.connect(address, deadline);
    if (error == 0) return socket;
  }
  return failure(ErrorCode::kNotFound, std::string("no connection: ") + std::strerror(error));
}

// False where the answer is over and the step says so in `page`, or an error in `error`.
Result<bool> take(http::ResponseReader& reader, Bytes bytes, HttpPage& page) {
  using State = http::ResponseReader::State;
  while (true) {
    const auto step = reader.next(bytes);
    bytes.remove_prefix(step.used);
    if (step.state == State::kRefused) {
      return failure(ErrorCode::kSystem, "no answer in HTTP: " + std::string(step.what));
    }
    if (step.state == State::kNeedMore) return true;
    if (step.state == State::kComplete) return false;
    page.body.append(step.piece);
    if (page.body.size() > kMostBody) return failure(ErrorCode::kSystem, "the answer is too long");
  }
}

Result<HttpPage> read_page(ClientSocket& socket, Deadline deadline) {
  http::ResponseReader reader;
  HttpPage page;
  std::array<char, 16 * 1024> buffer;
  for (bool more = true; more;) {
    if (!sock::wait_readable(socket.descriptor(), deadline)) {
      return failure(ErrorCode::kSystem, "no answer in time");
    }
    const auto received = socket.receive(buffer);
    if (received.must_wait()) continue;
    if (received.error != 0) return failure(ErrorCode::kSystem, std::strerror(received.error));
    if (received.bytes == 0) {
      if (!reader.ends_here()) return failure(ErrorCode::kSystem, "closed within the answer");
      break;
    }
    const auto taken = take(reader, Bytes(buffer.data(), received.bytes), page);
    if (!taken) return tl::unexpected(taken.error());
    more = *taken;
  }
  page.status = reader.status();
  return page;
}

}  // namespace

Result<std::string> check_base_url(std::string_view url) {
  const auto endpoint = endpoint_of(url);
  if (!endpoint) return tl::unexpected(endpoint.error());
  return std::string(kScheme) + std::string(authority_of(url));
}

Result<HttpPage> http_get(std::string_view base_url, std::string_view path, milliseconds timeout) {
  const Deadline deadline = Deadline::clock::now() + timeout;
  const auto endpoint = endpoint_of(base_url);
  if (!endpoint) return tl::unexpected(endpoint.error());
  auto socket = connect_to(*endpoint, deadline);
  if (!socket) return tl::unexpected(socket.error());
  const std::string request = "GET " + std::string(path) +
                              " HTTP/1.1\r\nHost: " + std::string(authority_of(base_url)) +
                              "\r\nConnection: close\r\n\r\n";
  // A fresh connection takes a request of this size at once.
  if (socket->send(request).bytes != request.size()) {
    return failure(ErrorCode::kSystem, "the request could not be sent");
  }
  return read_page(*socket, deadline);
}

}  // namespace polyport
