// TlsStage: the server's side of one TLS connection. Only core/net's TLS files know it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/net/stage.h"
#include "core/net/tls.h"

struct bio_st;
struct bio_method_st;

namespace polyport {

class TlsStage final : public Stage {
 public:
  static constexpr std::string_view kName = "tls";
  // Null where there is no memory.
  static std::unique_ptr<TlsStage> make(TlsDoor& door, std::shared_ptr<const TlsContext> context);
  ~TlsStage() override;

  std::string_view name() const override { return kName; }
  std::size_t idle_bytes() const override { return std::size_t{15} * 1024; }  // measured
  TlsInfo info() const;

 protected:
  void start() override {}  // the client speaks first
  void receive(Bytes bytes) override;
  void receive_end() override;
  void send(const iovec* pieces, std::size_t count) override;
  void shutdown() override;

 private:
  enum class State : std::uint8_t { kNew, kPlain, kHandshake, kOpen, kOver };

  TlsStage(TlsDoor& door, std::shared_ptr<const TlsContext> context);
  bool shake_hands();
  void read_records();
  void write(Bytes bytes);
  // The peer has broken the rules; OpenSSL has passed down its alert.
  void fail(const std::string& reason);
  // A client that does not speak TLS: collects its first line and answers in words.
  void receive_plain(Bytes bytes);
  void refuse_plain(Bytes first);

  static const bio_method_st* bio_method();
  static int bio_read(bio_st* bio, char* out, int size);
  static int bio_write(bio_st* bio, const char* data, int size);
  static long bio_control(bio_st* bio, int command, long number, void* pointer);

  TlsDoor& door_;
  std::shared_ptr<const TlsContext> context_;  // until the handshake is over
  ssl_st* ssl_ = nullptr;
  Bytes input_;                         // what OpenSSL has not taken of the bytes received
  std::unique_ptr<std::string> plain_;  // of kPlain
  State state_ = State::kNew;
};

}  // namespace polyport
