#include "core/net/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/net/connection.h"
#include "core/net/tls_material.h"
#include "core/net/tls_stage.h"
#include "core/socket/address.h"

namespace polyport {

// --- whom we believe -----------------------------------------------------------------------------

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::load(
    const TlsClientSettings& settings) {
  std::shared_ptr<TlsClientContext> loaded(new TlsClientContext);
  loaded->context_ = SSL_CTX_new(TLS_client_method());
  POLYPORT_ASSERT(loaded->context_ != nullptr);
  SSL_CTX* const context = loaded->context_;
  loaded->trust_ = settings.trust;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  const bool anybody = settings.trust == TlsClientSettings::Trust::kAnybody;
  SSL_CTX_set_verify(context, anybody ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (anybody) return loaded;
  SSL_CTX_set_default_verify_paths(context);
  ERR_clear_error();  // a system without authorities is no fault of ours
  for (const auto& authority : settings.authorities) {
    const auto certificates = read_certificates(authority.file, authority.where);
    if (!certificates) return tl::unexpected(certificates.error());
    for (const X509Pointer& certificate : *certificates) {
      if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get()) != 1) {
        return failure(ErrorCode::kBadValue,
                       quoted(authority.file) + " cannot be used: " + take_openssl_error(),
                       authority.where);
      }
    }
  }
  return loaded;
}

TlsClientContext::~TlsClientContext() {
  SSL_CTX_free(context_);
}

ssl_st* TlsClientContext::new_client(const std::string& host) const {
  SSL* const ssl = SSL_new(context_);
  if (ssl == nullptr) return nullptr;
  SSL_set_connect_state(ssl);
  bool named = true;
  if (const auto address = Address::parse_ip(host)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address->ip_text().c_str()) == 1;
  } else {
    // What SSL_set_tlsext_host_name does, whose cast is an old one. Addresses have no such name
    // (RFC 6066 section 3).
    std::string name = host;
    named =
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1 &&
        SSL_set1_host(ssl, host.c_str()) == 1;
  }
  if (!named && trust_ == TlsClientSettings::Trust::kAuthorities) {
    SSL_free(ssl);
    return nullptr;
  }
  return ssl;
}

std::string tls_client_failure(std::string_view reason) {
  std::string text(reason);
  if (text.find("wrong version number") != std::string::npos ||
      text.find("packet length too long") != std::string::npos) {
    return "the server does not speak TLS (" + text + ")";
  }
  if (text.find("certificate verify failed") != std::string::npos) {
    text += " (--ca FILE names whom to believe, --insecure believes anybody)";
  }
  return text;
}

// --- the stage -----------------------------------------------------------------------------------

namespace {

class TlsClientStage final : public TlsStage {
 public:
  static std::unique_ptr<Stage> make(const TlsClientContext& context, const std::string& host) {
    auto stage = std::make_unique<TlsClientStage>();
    if (!stage->adopt(context.new_client(host))) return nullptr;
    return stage;
  }

 protected:
  void start() override {
    set_state(State::kHandshake);
    shake_hands();  // says ClientHello
  }
  void failed(const std::string& reason) override { note_failure(tls_client_failure(reason)); }
  std::string_view peer_certificate() const override { return "the server's certificate"; }
};

}  // namespace

std::unique_ptr<Stage> TlsClientMaker::make() {
  return TlsClientStage::make(*context_, host_);
}

}  // namespace polyport
