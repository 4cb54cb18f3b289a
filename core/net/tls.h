// TLS as a stage: OpenSSL on the buffers of the loop, and the doors whose connections have it.
//
// An idle connection owns its SSL object and no buffer: what OpenSSL reads comes straight from the
// loop's read buffer, what it writes goes straight to what stages pass down. Records are decrypted
// a read at a time and delivered together, sends of a turn share records.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/net/stage.h"
#include "core/net/tls_context.h"
#include "core/observe/log.h"

namespace polyport {

class Connection;

// The TLS doors of one service: makes the stage of each connection, and takes up changed files.
//
// When a client comes, once a second at most, it looks whether a file has changed; new
// connections then get the new certificates, those that are open keep what they began with. Files
// that make no sense are told in the log, and the old certificates stay.
class TlsDoor final : public StageMaker {
 public:
  TlsDoor(TlsSettings settings, std::shared_ptr<const TlsContext> context, TlsTicketKeys keys,
          Log& log, std::string service);

  std::unique_ptr<Stage> make() override;
  // An alert in place of a handshake: what the service would say nobody could read yet.
  Bytes refusal(CloseReason reason) const override;
  // Looks at the files now.
  void look_for_changes();

  // A handshake came to nothing: a line in the log, one a burst.
  void note_failure(const Connection& connection, const std::string& reason);
  const TlsContext& context() const { return *context_; }

 private:
  using Clock = std::chrono::steady_clock;
  std::vector<FileStamp> stamps() const;
  void tell(LogLevel level, std::string_view event, const std::string& message);

  TlsSettings settings_;
  std::shared_ptr<const TlsContext> context_;
  TlsTicketKeys keys_;
  Log& log_;
  std::string service_;
  std::vector<FileStamp> stamps_;
  Clock::time_point looked_;
  std::optional<Clock::time_point> last_failure_;
  bool files_bad_ = false;
  std::string last_error_;
};

// What a client has shown.
struct TlsClientCertificate {
  std::string subject, issuer, serial, fingerprint;  // SHA-256, hex
  std::string valid_from, valid_until;
  std::vector<std::string> names;
  bool verified = false;
  std::string problem;  // why it is not
};

struct TlsInfo {
  std::string version, cipher;  // "TLSv1.3", "TLS_AES_256_GCM_SHA384"
  std::string server_name;      // what the client asked for, or empty
  std::string alpn;             // what was agreed on, or empty
  bool resumed = false;
  std::optional<TlsClientCertificate> client;
};

bool is_encrypted(const Connection& connection);
// Of an open connection; nothing where it has no TLS.
std::optional<TlsInfo> tls_info(const Connection& connection);

}  // namespace polyport
