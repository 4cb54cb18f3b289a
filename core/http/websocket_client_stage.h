// WebSocket as the transport of a connection that we open (RFC 6455): the client's side of
// core/http/websocket_stage.h.
//
// Asks for the upgrade, compares the answer, and turns the data of every message into bytes for
// whoever dialled; what that sends becomes one binary message a step. No extension is offered, so
// nothing comes compressed. Pings are answered, a close frame is the end.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "core/base/utf8_check.h"
#include "core/http/websocket_frame.h"
#include "core/net/stage.h"

namespace polyport::http {

// Makes the stages of a dialer's connections, which all go to one URL.
class WebSocketClientMaker final : public StageMaker {
 public:
  // `host` as in the Host field, "localhost:8080"; `path` begins with a slash.
  WebSocketClientMaker(std::string host, std::string path)
      : host_(std::move(host)), path_(std::move(path)) {}
  std::unique_ptr<Stage> make() override;

 private:
  friend class WebSocketClientStage;
  // The next mask, which no one on the way can foresee (section 10.3).
  Mask next_mask();

  std::string host_;
  std::string path_;
  std::string random_;   // for masks to come
  std::string scratch_;  // a frame that goes out
};

class WebSocketClientStage final : public Stage {
 public:
  static constexpr std::size_t kMostAnswerBytes = 16 * 1024;

  explicit WebSocketClientStage(WebSocketClientMaker& maker) : maker_(maker) {}

  std::string_view name() const override { return "websocket"; }
  std::size_t idle_bytes() const override { return sizeof *this; }

 protected:
  void start() override;
  void receive(Bytes bytes) override;
  void receive_end() override;
  void send(const iovec* pieces, std::size_t count) override;
  void shutdown() override;

 private:
  struct Handshake {
    std::string key;
    std::string answer;
  };
  void hear_answer(Bytes bytes);
  // Empty, or what is wrong with the head of the answer.
  std::string judge(Bytes head) const;
  void decline(const std::string& why);

  void read(Bytes input);
  void take_data(Bytes piece);
  void hear_control();
  void send_frame(Opcode opcode, const iovec* pieces, std::size_t count);
  void send_close(CloseCode code, Bytes reason);
  void fail(Violation violation);

  WebSocketClientMaker& maker_;
  std::unique_ptr<Handshake> handshake_;
  FrameReader frames_{FrameReader::Side::kClient, FrameReader::Rsv1::kRefused};
  Utf8Check utf8_;
  std::string control_;  // the payload of a control frame, as far as it is here
  bool open_ = false;
  bool heard_close_ = false;
  bool sent_close_ = false;
};

}  // namespace polyport::http
