// WebSocketStage: ws:// as a transport. The bytes of any stream service travel in WebSocket
// messages (RFC 6455), and the service knows nothing of it.
//
// Coming: a message of up to 64 KiB is one on_data, as a whole; of a larger one the pieces are
// passed up as they come, so no message is too large. The peer's Close frame is its FIN.
// Going: what the service sends at one time is one message. It is text where the client's last
// message was text (before the first: where the service speaks text) and the bytes are UTF-8, else
// binary. A character that is cut at the end waits for its rest. Our Close frame is our FIN, and
// follows when the service has said all, also after the peer's: section 5.5.1 lets us finish.
// Pings are answered and none is sent: the service's idle_timeout decides who is too silent. No
// extension is spoken, so permessage-deflate is declined.
//
// For what a service does with whole messages itself see WebSocketServer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/utf8_check.h"
#include "core/http/date.h"
#include "core/http/head_check.h"
#include "core/http/message_parser.h"
#include "core/http/refusal.h"
#include "core/http/websocket_frame.h"
#include "core/http/websocket_memory.h"
#include "core/http/websocket_message.h"
#include "core/net/stage.h"

namespace polyport::http {

struct WebSocketTransport {
  std::string service;               // the instance, for what people read
  std::vector<std::string> origins;  // see may_open_websocket
  enum class Messages : std::uint8_t { kAsTheyCome, kText, kBinary };
  Messages messages = Messages::kAsTheyCome;  // kText: where the bytes are UTF-8
  MessageKind first = MessageKind::kBinary;   // of kAsTheyCome, before the client has sent any
};

// Makes them for the listeners of one door, whose connections share what is needed for a moment.
class WebSocketStageMaker final : public StageMaker {
 public:
  explicit WebSocketStageMaker(WebSocketTransport transport);
  ~WebSocketStageMaker() override;
  std::unique_ptr<Stage> make() override;
  Bytes refusal(CloseReason) const override { return kFullAnswer; }

 private:
  friend class WebSocketStage;

  const WebSocketTransport transport_;
  MessageParser parser_;
  std::vector<Header> fields_;
  WebSocketMemory memory_;
  DateCache date_;
  std::vector<iovec> pieces_;  // of the message that is being sent, behind its head
};

class WebSocketStage final : public Stage {
 public:
  explicit WebSocketStage(WebSocketStageMaker& maker);
  ~WebSocketStage() override;

  std::string_view name() const override { return "websocket"; }
  std::size_t idle_bytes() const override { return sizeof *this; }
  std::size_t held_bytes() const override;

  // The longest message that the service gets in one piece.
  static constexpr std::size_t kWholeBytes = WebSocketMemory::kScratchBytes;

 protected:
  void start() override {}  // the client speaks first
  void receive(Bytes bytes) override;
  void receive_end() override { pass_end(); }
  void send(const iovec* pieces, std::size_t count) override;
  void shutdown() override;

 private:
  // The opening handshake (websocket_stage_handshake.cc).
  struct Handshake {
    std::string bytes;
    HeadCheck check;
  };
  void shake_hands(Bytes bytes);
  void judge();
  void accept(Bytes key);
  void decline(int status, Bytes detail, Bytes authority);

  void read(Bytes input);
  void take_data(Bytes& input);
  void take_control(Bytes& input);
  void hear_control(Bytes payload);
  void send_control(Opcode opcode, Bytes payload);
  bool wants_text() const;
  bool keep_cut_character(std::vector<iovec>& all);
  void send_message(MessageKind kind);
  void send_close(CloseCode code, Bytes reason);
  void fail(Violation violation);
  bool is_text() const { return frames_.message() == Opcode::kText; }
  Draft& draft();
  void drop_draft();

  WebSocketStageMaker& maker_;
  std::unique_ptr<Handshake> handshake_;
  std::unique_ptr<Draft> draft_;  // of a message or a control frame that is half here
  FrameReader frames_{FrameReader::Side::kServer, FrameReader::Rsv1::kRefused};
  Utf8Check utf8_;
  MessageKind kind_;  // of what goes out
  CloseCode code_ = CloseCode::kNormal;
  char tail_[3] = {};  // the beginning of a character, sent with its rest
  std::uint8_t tail_size_ = 0;
  bool open_ = false;
  bool heard_close_ = false;
  bool sent_close_ = false;
};

}  // namespace polyport::http
