#include "app/http_get.h"

#include <array>
#include <cstring>

#include "app/http_client.h"
#include "core/base/text.h"
#include "core/http/response_reader.h"
#include "core/socket/waiting.h"

namespace polyport {
namespace {

using std::chrono::milliseconds;
using Deadline = ClientSocket::Deadline;

constexpr std::size_t kMostBody = 8 * 1024 * 1024;

Result<HttpUrl> base_url(std::string_view text) {
  constexpr std::string_view kExample = "http://localhost:9900";
  std::string_view bare = text;
  while (bare.ends_with('/'))
    bare.remove_suffix(1);
  auto url = parse_http_url(bare, kExample);
  const char* what = nullptr;
  if (url && url->secure) what = "the URL does not begin with http://";
  if (url && url->path != "/") what = "the URL has a path";
  if (url && what == nullptr) return url;
  Error error = url ? Error{ErrorCode::kBadValue, what, "", "for example " + std::string(kExample)}
                    : url.error();
  if (error.where.empty()) error.where = printable(text, 100);
  return tl::unexpected(std::move(error));
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
  const auto base = base_url(url);
  if (!base) return tl::unexpected(base.error());
  return "http://" + base->host_and_port;
}

Result<HttpPage> http_get(std::string_view base, std::string_view path, milliseconds timeout) {
  const Deadline deadline = Deadline::clock::now() + timeout;
  const auto url = base_url(base);
  if (!url) return tl::unexpected(url.error());
  auto socket = connect_to(*url, deadline);
  if (!socket) return tl::unexpected(socket.error());
  const std::string request = "GET " + std::string(path) +
                              " HTTP/1.1\r\nHost: " + url->host_and_port +
                              "\r\nConnection: close\r\n\r\n";
  // A fresh connection takes a request of this size at once.
  if (socket->send(request).bytes != request.size()) {
    return failure(ErrorCode::kSystem, "the request could not be sent");
  }
  return read_page(*socket, deadline);
}

}  // namespace polyport
