// TlsServerStage: the server's side of one TLS connection, and what it says to a client that speaks
// something else.
#pragma once

#include <memory>
#include <string>

#include "core/net/tls_stage.h"

namespace polyport {

class TlsServerStage final : public TlsStage {
 public:
  // Null where there is no memory.
  static std::unique_ptr<TlsServerStage> make(TlsDoor& door,
                                              std::shared_ptr<const TlsContext> context);

 protected:
  void start() override {}  // the client speaks first
  void receive(Bytes bytes) override;
  void receive_end() override;
  void handshake_over() override { context_.reset(); }
  void failed(const std::string& reason) override;
  std::string_view peer_certificate() const override { return "the client's certificate"; }

 private:
  TlsServerStage(TlsDoor& door, std::shared_ptr<const TlsContext> context);
  // A client that does not speak TLS: collects its first line and answers in words.
  void receive_plain(Bytes bytes);
  void refuse_plain(Bytes first);

  TlsDoor& door_;
  std::shared_ptr<const TlsContext> context_;  // until the handshake is over
  std::unique_ptr<std::string> plain_;         // of a client that does not speak TLS
};

}  // namespace polyport
