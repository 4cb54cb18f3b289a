// TLS as a client: whom we believe, and the stage of connections that we open.
//
// A server is believed where its certificate is for the name we asked for and signed by an
// authority of this system, or of the files that are named. Sessions are not kept: each connection
// shakes hands in full.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/net/stage.h"

struct ssl_ctx_st;
struct ssl_st;

namespace polyport {

struct TlsClientSettings {
  enum class Trust : std::uint8_t {
    kAuthorities,
    kAnybody,  // whatever certificate is shown
  };
  struct Authority {
    std::string file;   // PEM
    std::string where;  // the option that names it, for errors
  };
  Trust trust = Trust::kAuthorities;
  std::vector<Authority> authorities;  // beside those of the system
};

class TlsClientContext {
 public:
  // Reads the files, which blocks.
  static Result<std::shared_ptr<const TlsClientContext>> load(const TlsClientSettings& settings);
  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

  // A client's side of a connection to `host`, a name or an IP address, which its certificate must
  // be for. Null where there is no memory.
  ssl_st* new_client(const std::string& host) const;

 private:
  TlsClientContext() = default;

  ssl_ctx_st* context_ = nullptr;
  TlsClientSettings::Trust trust_ = TlsClientSettings::Trust::kAuthorities;
};

// What a failed handshake means to a person who connects: OpenSSL's words, and what to do.
std::string tls_client_failure(std::string_view reason);

// Makes the stages of a dialer's connections, which all go to one host.
class TlsClientMaker final : public StageMaker {
 public:
  TlsClientMaker(std::shared_ptr<const TlsClientContext> context, std::string host)
      : context_(std::move(context)), host_(std::move(host)) {}
  std::unique_ptr<Stage> make() override;

 private:
  std::shared_ptr<const TlsClientContext> context_;
  std::string host_;
};

}  // namespace polyport
