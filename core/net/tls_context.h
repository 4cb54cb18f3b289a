// TlsContext: certificates and rules of the TLS doors of one service, loaded and ready to serve.
//
// It never changes: what has changed on disk becomes a new one (core/net/tls.h), and handshakes
// that began with the old one end with it. Sessions are kept by the clients (tickets), not here.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/net/tls_material.h"

struct ssl_ctx_st;
struct ssl_st;

namespace polyport {

struct TlsSettings {
  enum class Version : std::uint8_t { k1_0, k1_1, k1_2, k1_3 };
  enum class ClientAuth : std::uint8_t {
    kNone,
    kAny,       // asked for and shown, whoever signed it
    kOptional,  // one that is shown must be signed by client_ca
    kRequired,
  };

  // Never empty; the first is for clients that name no host, or one that none is for.
  std::vector<TlsFiles> certificates;
  Version min_version = Version::k1_2;
  ClientAuth client_auth = ClientAuth::kNone;
  std::string client_ca;  // a PEM file; empty with kNone and kAny
  std::string client_ca_where;
  // In the order of our liking. A client that offers others only is refused (RFC 7301 section
  // 3.2); with none here the extension is ignored.
  std::vector<std::string> alpn;

  friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

// What tickets are sealed with. Whoever has them may go on with a session, so they are made anew
// when other clients are believed than before.
using TlsTicketKeys = std::array<unsigned char, 80>;
TlsTicketKeys new_ticket_keys();

class TlsContext {
 public:
  // Reads every file. All that is wrong is told at once.
  static Expected<std::shared_ptr<const TlsContext>, Errors> load(const TlsSettings& settings,
                                                                  const TlsTicketKeys& keys,
                                                                  std::string_view service);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A server's side of a connection, or null where there is no memory. The context must stay until
  // its handshake is over.
  ssl_st* new_server() const;
  // What a person should know of the certificates: that one has expired.
  Errors warnings() const;
  const std::vector<TlsCertificate>& certificates() const { return certificates_; }

 private:
  TlsContext() = default;
  Result<void> prepare(ssl_ctx_st* context, const TlsCertificate& certificate);
  Result<void> prepare_client_auth(ssl_ctx_st* context);
  void apply_version(ssl_ctx_st* context) const;
  // Callbacks of OpenSSL, with the TlsContext as their argument.
  static int on_server_name(ssl_st* ssl, int* alert, void* self);
  static int on_alpn(ssl_st* ssl, const unsigned char** out, unsigned char* out_size,
                     const unsigned char* in, unsigned in_size, void* self);
  ssl_ctx_st* context_for(const std::string& name) const;

  TlsSettings settings_;
  std::vector<TlsCertificate> certificates_;
  std::vector<X509Pointer> client_cas_;
  std::vector<ssl_ctx_st*> contexts_;  // one a certificate
  std::string alpn_;                   // as on the wire: a length and a name each
};

}  // namespace polyport
