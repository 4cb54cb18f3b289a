#include "core/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <ctime>

#include "core/base/assert.h"
#include "core/base/digest.h"
#include "core/base/text.h"

namespace polyport {

namespace {

int protocol_number(TlsSettings::Version version) {
  switch (version) {
    case TlsSettings::Version::k1_0:
      return TLS1_VERSION;
    case TlsSettings::Version::k1_1:
      return TLS1_1_VERSION;
    case TlsSettings::Version::k1_2:
      return TLS1_2_VERSION;
    case TlsSettings::Version::k1_3:
      break;
  }
  return TLS1_3_VERSION;
}

int verify_mode(TlsSettings::ClientAuth auth) {
  switch (auth) {
    case TlsSettings::ClientAuth::kNone:
      return SSL_VERIFY_NONE;
    case TlsSettings::ClientAuth::kAny:
    case TlsSettings::ClientAuth::kOptional:
      return SSL_VERIFY_PEER;
    case TlsSettings::ClientAuth::kRequired:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

// The certificate is only looked at.
int believe_any(int, X509_STORE_CTX*) {
  return 1;
}

std::string wire_form(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    POLYPORT_ASSERT(!protocol.empty() && protocol.size() < 256);
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

}  // namespace

TlsTicketKeys new_ticket_keys() {
  TlsTicketKeys keys{};
  POLYPORT_ASSERT(RAND_bytes(keys.data(), static_cast<int>(keys.size())) == 1);
  return keys;
}

Expected<std::shared_ptr<const TlsContext>, Errors> TlsContext::load(const TlsSettings& settings,
                                                                     const TlsTicketKeys& keys,
                                                                     std::string_view service) {
  POLYPORT_ASSERT(!settings.certificates.empty());
  Errors errors;
  std::shared_ptr<TlsContext> loaded(new TlsContext);
  loaded->settings_ = settings;
  loaded->alpn_ = wire_form(settings.alpn);
  for (const TlsFiles& files : settings.certificates) {
    auto certificate = read_tls_certificate(files);
    if (!certificate) {
      errors.push_back(std::move(certificate.error()));
    } else {
      loaded->certificates_.push_back(std::move(*certificate));
    }
  }
  if (!settings.client_ca.empty()) {
    auto authorities = read_certificates(settings.client_ca, settings.client_ca_where);
    if (!authorities) {
      errors.push_back(std::move(authorities.error()));
    } else {
      loaded->client_cas_ = std::move(*authorities);
    }
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  const std::string session_context = digest(Hash::kSha256, service);
  for (const TlsCertificate& certificate : loaded->certificates_) {
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    POLYPORT_ASSERT(context != nullptr);
    loaded->contexts_.push_back(context);
    auto ticket_keys = keys;
    SSL_CTX_set_tlsext_ticket_keys(context, ticket_keys.data(), static_cast<long>(keys.size()));
    SSL_CTX_set_session_id_context(context,
                                   reinterpret_cast<const unsigned char*>(session_context.data()),
                                   static_cast<unsigned>(session_context.size()));
    auto prepared = loaded->prepare(context, certificate);
    if (!prepared) errors.push_back(std::move(prepared.error()));
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return loaded;
}

TlsContext::~TlsContext() {
  for (SSL_CTX* context : contexts_)
    SSL_CTX_free(context);
}

Result<void> TlsContext::prepare(ssl_ctx_st* context, const TlsCertificate& certificate) {
  ERR_clear_error();
  // A session is the client's to keep: nothing of it stays here. No client may begin a second
  // handshake on its connection.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  apply_version(context);
  // What SSL_CTX_set_tlsext_servername_callback does, whose cast is an old one.
  SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(on_server_name));
  SSL_CTX_set_tlsext_servername_arg(context, this);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context, on_alpn, this);

  const auto refused = [&](std::string_view what) {
    return failure(ErrorCode::kBadValue,
                   std::string(what) + " " + quoted(certificate.files.certificate) +
                       " cannot be used: " + take_openssl_error(),
                   certificate.files.where);
  };
  if (SSL_CTX_use_certificate(context, certificate.leaf.get()) != 1)
    return refused("the certificate in");
  for (const X509Pointer& issuer : certificate.chain) {
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) return refused("the chain in");
  }
  if (SSL_CTX_use_PrivateKey(context, certificate.key.get()) != 1)
    return refused("the key of the certificate in");
  return prepare_client_auth(context);
}

void TlsContext::apply_version(ssl_ctx_st* context) const {
  // Debian's configuration has a least version of its own; ours is what counts. Below 1.2 only the
  // hashes of another time can sign, which security level 0 lets through.
  SSL_CTX_set_min_proto_version(context, protocol_number(settings_.min_version));
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  if (settings_.min_version < TlsSettings::Version::k1_2) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_cipher_list(context, "DEFAULT:@SECLEVEL=0");
  }
}

Result<void> TlsContext::prepare_client_auth(ssl_ctx_st* context) {
  const bool any = settings_.client_auth == TlsSettings::ClientAuth::kAny;
  SSL_CTX_set_verify(context, verify_mode(settings_.client_auth), any ? believe_any : nullptr);
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const X509Pointer& authority : client_cas_) {
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return failure(ErrorCode::kBadValue,
                     quoted(settings_.client_ca) + " cannot be used: " + take_openssl_error(),
                     settings_.client_ca_where);
    }
  }
  return {};
}

ssl_st* TlsContext::new_server() const {
  SSL* const ssl = SSL_new(contexts_.front());
  if (ssl != nullptr) SSL_set_accept_state(ssl);
  return ssl;
}

Errors TlsContext::warnings() const {
  Errors warnings;
  const std::time_t now = std::time(nullptr);
  for (const TlsCertificate& certificate : certificates_) {
    const std::string complaint = certificate.complaint(now);
    if (complaint.empty()) continue;
    warnings.push_back(
        {ErrorCode::kBadValue,
         "the certificate in " + quoted(certificate.files.certificate) + " " + complaint,
         certificate.files.where, "clients will refuse it"});
  }
  return warnings;
}

// Its own name before a wildcard, and that before the first of all.
ssl_ctx_st* TlsContext::context_for(const std::string& name) const {
  for (const auto wildcards : {TlsCertificate::Wildcards::kNo, TlsCertificate::Wildcards::kYes}) {
    for (std::size_t i = 0; i < certificates_.size(); ++i) {
      if (certificates_[i].is_for(name, wildcards)) return contexts_[i];
    }
  }
  return contexts_.front();
}

int TlsContext::on_server_name(ssl_st* ssl, int*, void* self) {
  const auto& context = *static_cast<const TlsContext*>(self);
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_SSL_CTX(ssl, context.context_for(name));
  return SSL_TLSEXT_ERR_OK;
}

int TlsContext::on_alpn(ssl_st*, const unsigned char** out, unsigned char* out_size,
                        const unsigned char* in, unsigned in_size, void* self) {
  const std::string& ours = static_cast<const TlsContext*>(self)->alpn_;
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), in, in_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace polyport
