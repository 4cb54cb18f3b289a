#include "core/net/tls.h"

#include <openssl/ssl.h>

#include <utility>

#include "core/base/text.h"
#include "core/net/connection.h"
#include "core/net/connection_source.h"
#include "core/net/tls_server_stage.h"

namespace polyport {

namespace {

const TlsStage* tls_of(const Connection& connection) {
  for (const Stage* stage = connection.stages(); stage != nullptr; stage = stage->above()) {
    if (stage->name() == TlsStage::kName) return static_cast<const TlsStage*>(stage);
  }
  return nullptr;
}

std::string text_or_empty(const char* text) {
  return text == nullptr ? "" : text;
}

}  // namespace

// --- the door ------------------------------------------------------------------------------------

TlsDoor::TlsDoor(TlsSettings settings, std::shared_ptr<const TlsContext> context,
                 TlsTicketKeys keys, Log& log, std::string service)
    : settings_(std::move(settings)),
      context_(std::move(context)),
      keys_(keys),
      log_(log),
      service_(std::move(service)),
      stamps_(stamps()),
      looked_(Clock::now()) {}

std::vector<FileStamp> TlsDoor::stamps() const {
  std::vector<FileStamp> found;
  for (const TlsFiles& files : settings_.certificates) {
    found.push_back(stamp_of(files.certificate));
    found.push_back(stamp_of(files.key_file()));
  }
  if (!settings_.client_ca.empty()) found.push_back(stamp_of(settings_.client_ca));
  return found;
}

std::unique_ptr<Stage> TlsDoor::make() {
  constexpr std::chrono::seconds kEvery{1};
  if (Clock::now() - looked_ >= kEvery) look_for_changes();
  return TlsServerStage::make(*this, context_);
}

// A record in plaintext with a fatal alert. internal_error is what RFC 8446, 6.2, has for reasons
// that are neither the peer's nor the protocol's: the others name a fault of the handshake, which
// did not begin. The record's version is the one that all clients take, TLS 1.0 to 1.3.
Bytes TlsDoor::refusal(CloseReason) const {
  using namespace std::string_view_literals;
  return "\x15\x03\x03\x00\x02\x02\x50"sv;
}

void TlsDoor::look_for_changes() {
  looked_ = Clock::now();
  std::vector<FileStamp> now = stamps();
  // What made no sense is tried again: a file may have been looked at while it was written.
  if (now == stamps_ && !files_bad_) return;
  const bool other_clients = !settings_.client_ca.empty() && now.back() != stamps_.back();
  const TlsTicketKeys keys = other_clients ? new_ticket_keys() : keys_;
  auto loaded = TlsContext::load(settings_, keys, service_);
  files_bad_ = !loaded;
  if (!loaded) {
    const Error& error = loaded.error().front();
    std::string message = "changed certificates are not used, the old ones stay: " + error.what;
    if (!error.hint.empty()) message += " (" + error.hint + ")";
    if (std::exchange(last_error_, message) != message)
      tell(LogLevel::kError, "certificate_error", message);
    return;
  }
  stamps_ = std::move(now);
  keys_ = keys;
  last_error_.clear();
  context_ = std::move(*loaded);
  std::string names;
  for (const TlsCertificate& certificate : context_->certificates())
    names += (names.empty() ? "" : "; ") + certificate.names() + " until " +
             valid_until(*certificate.leaf);
  tell(LogLevel::kInfo, "certificates_loaded", "new connections get the changed ones: " + names);
  for (const Error& warning : context_->warnings())
    tell(LogLevel::kWarn, "certificate_warning", warning.what + " (" + warning.hint + ")");
}

void TlsDoor::tell(LogLevel level, std::string_view event, const std::string& message) {
  log_.write(level, {.event = event, .message = message, .service = service_});
}

void TlsDoor::note_failure(const Connection& connection, const std::string& reason) {
  constexpr std::chrono::seconds kQuiet{10};
  const Clock::time_point now = Clock::now();
  const auto last = std::exchange(last_failure_, now);
  const bool first_of_burst = !last || now - *last > kQuiet;
  const LogLevel level = first_of_burst ? LogLevel::kInfo : LogLevel::kDebug;
  if (!log_.enabled(level)) return;
  log_.write(level, {.event = "tls_failed",
                     .message = reason,
                     .service = service_,
                     .listener = connection.source().id(),
                     .conn = text(connection.id()),
                     .peer = connection.peer().text()});
}

// --- what is known of a connection ---------------------------------------------------------------

TlsInfo TlsStage::info() const {
  TlsInfo info;
  info.version = text_or_empty(SSL_get_version(ssl_));
  info.cipher = text_or_empty(SSL_get_cipher_name(ssl_));
  info.server_name =
      without_controls(text_or_empty(SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)));
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl_, &alpn, &alpn_size);
  if (alpn_size > 0) info.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  info.resumed = SSL_session_reused(ssl_) == 1;
  const X509* const shown = SSL_get0_peer_certificate(ssl_);
  if (shown == nullptr) return info;
  TlsClientCertificate& client = info.client.emplace();
  client.subject = subject_of(*shown);
  client.issuer = issuer_of(*shown);
  client.serial = serial_of(*shown);
  client.fingerprint = fingerprint_of(*shown);
  client.valid_from = valid_from(*shown);
  client.valid_until = valid_until(*shown);
  client.names = alternative_names_of(*shown);
  const long verdict = SSL_get_verify_result(ssl_);
  client.verified = verdict == X509_V_OK;
  if (!client.verified) client.problem = X509_verify_cert_error_string(verdict);
  return info;
}

bool is_encrypted(const Connection& connection) {
  return tls_of(connection) != nullptr;
}

std::optional<TlsInfo> tls_info(const Connection& connection) {
  const TlsStage* const stage = tls_of(connection);
  if (stage == nullptr) return std::nullopt;
  return stage->info();
}

}  // namespace polyport
