// TlsStage: one TLS connection, whichever side of it we are. Only core/net's TLS files know it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/net/stage.h"
#include "core/net/tls.h"

struct bio_st;
struct bio_method_st;

namespace polyport {

class TlsStage : public Stage {
 public:
  static constexpr std::string_view kName = "tls";
  ~TlsStage() override;

  std::string_view name() const override { return kName; }
  std::size_t idle_bytes() const override { return std::size_t{15} * 1024; }  // measured
  TlsInfo info() const;

 protected:
  enum class State : std::uint8_t { kNew, kHandshake, kOpen, kOver };

  TlsStage() = default;
  // Takes it over, prepared for its side, before anything else. False where there is no memory.
  bool adopt(ssl_st* ssl);
  State state() const { return state_; }
  void set_state(State state) { state_ = state; }
  // True once it is over and the service knows.
  bool shake_hands();
  void receive(Bytes bytes) override;
  void receive_end() override;
  void send(const iovec* pieces, std::size_t count) override;
  void shutdown() override;

  // What is needed for the handshake only can go.
  virtual void handshake_over() {}
  // The handshake came to nothing, or the peer has broken the rules since.
  virtual void failed(const std::string& reason) = 0;
  // Whose certificate it is that was not believed: "the client's certificate".
  virtual std::string_view peer_certificate() const = 0;

 private:
  void read_records();
  void write(Bytes bytes);
  // The peer has broken the rules; OpenSSL has passed down its alert.
  void fail(const std::string& reason);

  static const bio_method_st* bio_method();
  static int bio_read(bio_st* bio, char* out, int size);
  static int bio_write(bio_st* bio, const char* data, int size);
  static long bio_control(bio_st* bio, int command, long number, void* pointer);

  ssl_st* ssl_ = nullptr;
  Bytes input_;  // what OpenSSL has not taken of the bytes received
  State state_ = State::kNew;
};

}  // namespace polyport
