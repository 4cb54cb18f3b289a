#include "core/net/tls_client_socket.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "core/net/tls_material.h"
#include "core/socket/waiting.h"

namespace polyport {

namespace {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPointer = std::unique_ptr<SSL, FreeSsl>;

// What SSL_get_error() says of the next call is taken from these two.
void forget_errors() {
  ERR_clear_error();
  errno = 0;
}

class TlsLayer final : public ClientSocket::Layer {
 public:
  explicit TlsLayer(SslPointer ssl) : ssl_(std::move(ssl)) {}

  // Fills the buffer as far as records have come: the descriptor tells nothing of what lies here.
  ClientSocket::Transfer receive(std::span<char> buffer) override {
    if (ended_) return {.error = *ended_};
    std::size_t all = 0;
    while (all < buffer.size()) {
      std::size_t count = 0;
      forget_errors();
      const int result = SSL_read_ex(ssl_.get(), buffer.data() + all, buffer.size() - all, &count);
      all += count;
      if (result == 1) continue;
      const int error = error_of(result);
      if (error != EAGAIN) ended_ = error;  // OpenSSL tells it once
      if (all == 0) return {.error = error};
      break;
    }
    return {.bytes = all};
  }

  ClientSocket::Transfer send(Bytes bytes) override {
    std::size_t count = 0;
    forget_errors();
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    return {.bytes = count, .error = result == 1 ? 0 : error_of(result)};
  }

  void finish_sending() override {
    forget_errors();
    SSL_shutdown(ssl_.get());
    forget_errors();
  }

  bool has_more() const override { return ended_ || SSL_has_pending(ssl_.get()) == 1; }

 private:
  // 0 where the other side has ended, with a close_notify or without one.
  int error_of(int result) const {
    const int system = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return EAGAIN;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      case SSL_ERROR_SYSCALL:
        return system == 0 ? ECONNRESET : system;
      default:
        break;
    }
    const bool bare_end = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    return bare_end ? 0 : EPROTO;
  }

  SslPointer ssl_;
  std::optional<int> ended_;  // how receiving has ended, as error_of() gives it
};

std::string handshake_failure(SSL* ssl, int outcome) {
  if (outcome == SSL_ERROR_SYSCALL) return "the server closed within the TLS handshake";
  const bool verifies = SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
  const long verdict = verifies ? SSL_get_verify_result(ssl) : X509_V_OK;
  std::string reason = take_openssl_error();
  if (verdict != X509_V_OK) {
    reason += std::string(": the server's certificate: ") + X509_verify_cert_error_string(verdict);
  }
  return tls_client_failure(reason);
}

}  // namespace

Result<TlsAgreement> start_tls(ClientSocket& socket, const TlsClientContext& context,
                               const std::string& host, ClientSocket::Deadline deadline) {
  SslPointer ssl(context.new_client(host));
  if (!ssl || SSL_set_fd(ssl.get(), socket.descriptor()) != 1) {
    return failure(ErrorCode::kSystem, "no TLS for " + host + ": " + take_openssl_error());
  }
  SSL_set_mode(ssl.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  while (true) {
    forget_errors();
    const int result = SSL_do_handshake(ssl.get());
    if (result == 1) break;
    const int outcome = SSL_get_error(ssl.get(), result);
    const bool reads = outcome == SSL_ERROR_WANT_READ;
    if (!reads && outcome != SSL_ERROR_WANT_WRITE) {
      return failure(ErrorCode::kSystem, handshake_failure(ssl.get(), outcome));
    }
    const int descriptor = socket.descriptor();
    if (!(reads ? sock::wait_readable(descriptor, deadline)
                : sock::wait_writable(descriptor, deadline))) {
      return failure(ErrorCode::kSystem, "no answer to the TLS handshake in time");
    }
  }
  TlsAgreement agreed =
      std::string(SSL_get_version(ssl.get())) + ", " + SSL_get_cipher_name(ssl.get());
  socket.use(std::make_unique<TlsLayer>(std::move(ssl)));
  return agreed;
}

}  // namespace polyport
