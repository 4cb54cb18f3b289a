#include "core/net/tls_stage.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>

#include "core/base/assert.h"
#include "core/net/connection.h"

namespace polyport {

namespace {

constexpr std::size_t kRecordBytes = 16 * 1024;  // RFC 8446 section 5.1
// One read of the socket decrypts to no more than itself and a record that was begun before.
constexpr std::size_t kPlainBytes = 64 * 1024 + kRecordBytes;

// One for each loop, and a loop is a thread.
struct Scratch {
  std::unique_ptr<char[]> plain = std::make_unique_for_overwrite<char[]>(kPlainBytes);
  std::unique_ptr<char[]> record = std::make_unique_for_overwrite<char[]>(kRecordBytes);
};

Scratch& scratch() {
  thread_local Scratch buffers;
  return buffers;
}

}  // namespace

// --- OpenSSL's view of the socket ----------------------------------------------------------------

int TlsStage::bio_read(bio_st* bio, char* out, int size) {
  auto& stage = *static_cast<TlsStage*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  if (stage.input_.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(stage.input_.size(), static_cast<std::size_t>(size));
  std::memcpy(out, stage.input_.data(), count);
  stage.input_.remove_prefix(count);
  return static_cast<int>(count);
}

int TlsStage::bio_write(bio_st* bio, const char* data, int size) {
  auto& stage = *static_cast<TlsStage*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (size > 0) stage.pass_down(Bytes(data, static_cast<std::size_t>(size)));
  return size;
}

long TlsStage::bio_control(bio_st*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const bio_method_st* TlsStage::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "polyport stage");
    POLYPORT_ASSERT(made != nullptr);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

// --- the stage -----------------------------------------------------------------------------------

bool TlsStage::adopt(ssl_st* ssl) {
  ssl_ = ssl;
  BIO* const bio = ssl_ == nullptr ? nullptr : BIO_new(bio_method());
  if (bio == nullptr) return false;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  return true;
}

TlsStage::~TlsStage() {
  SSL_free(ssl_);
}

void TlsStage::receive(Bytes bytes) {
  if (state_ == State::kOver) return;
  input_ = bytes;
  if (state_ == State::kOpen || shake_hands()) read_records();
  input_ = {};
}

bool TlsStage::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    state_ = State::kOpen;
    handshake_over();
    pass_open();
    return !over();
  }
  if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ) return false;
  const long verdict =
      SSL_get_verify_mode(ssl_) == SSL_VERIFY_NONE ? X509_V_OK : SSL_get_verify_result(ssl_);
  const std::string reason = take_openssl_error();
  fail(verdict == X509_V_OK ? reason
                            : reason + ": " + std::string(peer_certificate()) + ": " +
                                  X509_verify_cert_error_string(verdict));
  return false;
}

void TlsStage::read_records() {
  char* const plain = scratch().plain.get();
  std::size_t used = 0;
  int outcome = SSL_ERROR_NONE;
  while (outcome == SSL_ERROR_NONE) {
    if (used == kPlainBytes) {
      pass_up({plain, used});
      used = 0;
      if (over()) return;
    }
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_, plain + used, kPlainBytes - used, &count);
    used += count;
    if (result != 1) outcome = SSL_get_error(ssl_, result);
  }
  const bool broken = outcome != SSL_ERROR_WANT_READ && outcome != SSL_ERROR_ZERO_RETURN;
  const std::string reason = broken ? take_openssl_error() : "";
  pass_up({plain, used});
  if (over()) return;
  if (broken) {
    fail(reason);
  } else if (outcome == SSL_ERROR_ZERO_RETURN) {
    pass_end();  // its close_notify
  }
}

void TlsStage::receive_end() {
  if (state_ == State::kHandshake) {
    failed("the other side went away in the middle of the handshake");
    connection().close(CloseReason::kTlsError);
  } else {
    pass_end();  // without a close_notify, as many end
  }
}

void TlsStage::write(Bytes bytes) {
  if (state_ != State::kOpen || bytes.empty()) return;
  std::size_t written = 0;
  ERR_clear_error();
  if (SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) != 1) fail(take_openssl_error());
}

// Small pieces share a record; whole records are taken from where they lie.
void TlsStage::send(const iovec* pieces, std::size_t count) {
  char* const record = scratch().record.get();
  std::size_t used = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Bytes rest{static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len};
    while (!rest.empty()) {
      const bool direct = used == 0 && (rest.size() >= kRecordBytes || i + 1 == count);
      const std::size_t size = direct ? rest.size() : std::min(rest.size(), kRecordBytes - used);
      if (direct) {
        write(rest);
      } else {
        std::memcpy(record + used, rest.data(), size);
        used += size;
      }
      rest.remove_prefix(size);
      if (used == kRecordBytes) write({record, std::exchange(used, 0)});
    }
  }
  write({record, used});
}

void TlsStage::shutdown() {
  if (state_ == State::kOpen) {
    ERR_clear_error();
    SSL_shutdown(ssl_);  // close_notify; the peer's is not waited for
    ERR_clear_error();
  }
  pass_shutdown();
}

void TlsStage::fail(const std::string& reason) {
  failed(reason);
  state_ = State::kOver;
  refuse(CloseReason::kTlsError);
}

}  // namespace polyport
