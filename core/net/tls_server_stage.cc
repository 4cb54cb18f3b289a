#include "core/net/tls_server_stage.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/net/connection.h"
#include "core/observe/protocol_hint.h"

namespace polyport {

namespace {

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

TlsServerStage::TlsServerStage(TlsDoor& door, std::shared_ptr<const TlsContext> context)
    : door_(door), context_(std::move(context)) {}

std::unique_ptr<TlsServerStage> TlsServerStage::make(TlsDoor& door,
                                                     std::shared_ptr<const TlsContext> context) {
  std::unique_ptr<TlsServerStage> stage(new TlsServerStage(door, std::move(context)));
  if (!stage->adopt(stage->context_->new_server())) return nullptr;
  return stage;
}

void TlsServerStage::receive(Bytes bytes) {
  if (state() == State::kNew && !plain_) {
    if (bytes.front() != kHandshakeRecord) {
      plain_ = std::make_unique<std::string>();
    } else {
      set_state(State::kHandshake);
    }
  }
  if (plain_ && state() == State::kNew) {
    receive_plain(bytes);
  } else {
    TlsStage::receive(bytes);
  }
}

void TlsServerStage::receive_end() {
  if (plain_ && state() == State::kNew) {
    refuse_plain(*plain_);
  } else {
    TlsStage::receive_end();
  }
}

void TlsServerStage::failed(const std::string& reason) {
  door_.note_failure(connection(), reason);
}

// --- those who speak something else --------------------------------------------------------------

void TlsServerStage::receive_plain(Bytes bytes) {
  constexpr std::size_t kLongest = 1024;
  plain_->append(bytes.substr(0, kLongest));
  const bool whole = plain_->find('\n') != std::string::npos;
  if (whole || plain_->size() >= kLongest || !is_text(*plain_)) refuse_plain(*plain_);
}

void TlsServerStage::refuse_plain(Bytes first) {
  const Protocol protocol = recognise(first);
  set_state(State::kOver);
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
