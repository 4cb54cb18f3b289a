#include "core/net/tls_stage.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/net/connection.h"
#include "core/observe/protocol_hint.h"

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

// RFC 8446 section 6: a fatal alert, unexpected_message, in the clear.
constexpr Bytes kAlert("\x15\x03\x01\x00\x02\x02\x0a", 7);
constexpr char kHandshakeRecord = 0x16;

bool is_text(Bytes bytes) {
  return is_utf8(bytes) && std::all_of(bytes.begin(), bytes.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
         });
}

std::string in_words(const Connection& connection) {
  const Address local = connection.local();
  std::string text = "This port speaks TLS.";
  if (local.is_ip()) {
    text += " For HTTP use https://" + local.text() +
            "/, for anything else a client that speaks TLS:\r\n"
            "openssl s_client -quiet -connect " +
            local.text();
  }
  return text + "\r\n";
}

std::string as_http(const std::string& text) {
  return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
         std::to_string(text.size()) + "\r\nConnection: close\r\n\r\n" + text;
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

TlsStage::TlsStage(TlsDoor& door, std::shared_ptr<const TlsContext> context)
    : door_(door), context_(std::move(context)) {}

std::unique_ptr<TlsStage> TlsStage::make(TlsDoor& door, std::shared_ptr<const TlsContext> context) {
  std::unique_ptr<TlsStage> stage(new TlsStage(door, std::move(context)));
  stage->ssl_ = stage->context_->new_server();
  BIO* const bio = stage->ssl_ == nullptr ? nullptr : BIO_new(bio_method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, stage.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(stage->ssl_, bio, bio);
  return stage;
}

TlsStage::~TlsStage() {
  SSL_free(ssl_);
}

void TlsStage::receive(Bytes bytes) {
  if (state_ == State::kNew) {
    state_ = bytes.front() == kHandshakeRecord ? State::kHandshake : State::kPlain;
  }
  if (state_ == State::kPlain) return receive_plain(bytes);
  if (state_ == State::kOver) return;
  input_ = bytes;
  if (state_ == State::kOpen || shake_hands()) read_records();
  input_ = {};
}

// True once it is over and the service knows.
bool TlsStage::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    state_ = State::kOpen;
    context_.reset();
    pass_open();
    return !over();
  }
  if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ) return false;
  const long verdict = SSL_get_verify_result(ssl_);
  std::string reason = take_openssl_error();
  if (verdict != X509_V_OK) {
    reason += ": the client's certificate: " + std::string(X509_verify_cert_error_string(verdict));
  }
  fail(reason);
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
    door_.note_failure(connection(), "the client went away in the middle of it");
    connection().close(CloseReason::kTlsError);
  } else if (state_ == State::kPlain && plain_) {
    refuse_plain(*plain_);
  } else {
    pass_end();  // without a close_notify, as many clients end
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
  door_.note_failure(connection(), reason);
  state_ = State::kOver;
  refuse(CloseReason::kTlsError);
}

// --- those who speak something else --------------------------------------------------------------

void TlsStage::receive_plain(Bytes bytes) {
  constexpr std::size_t kLongest = 1024;
  if (!plain_) plain_ = std::make_unique<std::string>();
  plain_->append(bytes.substr(0, kLongest));
  const bool whole = plain_->find('\n') != std::string::npos;
  if (whole || plain_->size() >= kLongest || !is_text(*plain_)) refuse_plain(*plain_);
}

void TlsStage::refuse_plain(Bytes first) {
  const Protocol protocol = recognise(first);
  state_ = State::kOver;
  connection().note_wrong_protocol(protocol);
  const std::string text = in_words(connection());
  if (protocol == Protocol::kHttp) {
    pass_down(as_http(text));
  } else {
    pass_down(is_text(first) ? Bytes(text) : kAlert);
  }
  refuse(CloseReason::kTlsError);
}

}  // namespace polyport
