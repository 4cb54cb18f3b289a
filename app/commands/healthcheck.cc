// A deliberately small HTTP/1.1 client: it sends one request and reads the first line of the answer
// (RFC 9112 section 4), which is all that health is about.
#include "app/commands/healthcheck.h"

#include <array>
#include <string>

#include "app/commands/connect/console.h"
#include "app/commands/exit_code.h"
#include "app/http_client.h"
#include "core/base/result.h"
#include "core/base/text.h"
#include "core/net/tls_client_socket.h"
#include "core/socket/waiting.h"

namespace polyport {
namespace {

using Deadline = ClientSocket::Deadline;

constexpr std::size_t kLongestStatusLine = 1024;

// The status line, without its end.
Result<std::string> ask(const HttpUrl& url, const TlsTrust& trust, Deadline deadline) {
  auto socket = connect_to(url, deadline);
  if (!socket) return tl::unexpected(socket.error());
  if (url.secure) {
    const auto agreed = tls_client_context(trust).and_then([&](const auto& context) {
      return start_tls(*socket, *context, url.endpoint.host, deadline);
    });
    if (!agreed) return tl::unexpected(agreed.error());
  }
  const std::string request = "GET " + url.path + " HTTP/1.1\r\nHost: " + url.host_and_port +
                              "\r\nUser-Agent: polyport-healthcheck\r\nConnection: close\r\n\r\n";
  // A fresh connection takes a request of this size at once.
  if (const auto sent = socket->send(request); sent.bytes != request.size()) {
    return failure(ErrorCode::kSystem, "the request could not be sent");
  }
  std::string line;
  while (line.find('\n') == std::string::npos) {
    if (line.size() > kLongestStatusLine) {
      return failure(ErrorCode::kSystem, "the answer is not HTTP");
    }
    if (!socket->has_more() && !sock::wait_readable(socket->descriptor(), deadline)) {
      return failure(ErrorCode::kSystem, "connected, but no answer in time");
    }
    std::array<char, kLongestStatusLine> buffer;
    const auto received = socket->receive(buffer);
    if (received.must_wait()) continue;
    if (received.error != 0 || received.bytes == 0) {
      return failure(ErrorCode::kSystem, "the server closed without an answer");
    }
    line.append(buffer.data(), received.bytes);
  }
  return std::string(trim(std::string_view(line).substr(0, line.find('\n'))));
}

// "HTTP/1.1 200 OK" is 200.
Result<int> status_of(std::string_view line) {
  const bool is_http = line.starts_with("HTTP/1.") && line.size() >= 12 && line[8] == ' ' &&
                       (line.size() == 12 || line[12] == ' ');
  const auto status = is_http ? parse_number<int>(line.substr(9, 3), 100, 599) : std::nullopt;
  if (!status) return failure(ErrorCode::kSystem, "the answer is not HTTP: " + quoted(line, 60));
  return *status;
}

}  // namespace

int run_command(const HealthcheckOptions& options) {
  const Deadline deadline = Deadline::clock::now() + options.timeout;
  const auto status =
      parse_http_url(options.url, HealthcheckOptions().url)
          .and_then([&](const HttpUrl& url) { return ask(url, options.trust, deadline); })
          .and_then([](const std::string& line) { return status_of(line); });
  if (status && *status == 200) return kExitOk;
  Error error;
  if (status) {
    error.what = "the answer is " + std::to_string(*status) + ", not 200";
  } else {
    error = status.error();
  }
  error.where = "healthcheck " + printable(options.url, 200);
  say(error.text() + "\n");
  return kExitNo;
}

}  // namespace polyport
