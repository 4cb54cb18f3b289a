// Session: one HTTP/1 connection while a message is half done; it is the Exchange the handler sees.
//
// Input goes through one loop, run(), and nothing else calls it again from inside: a thousand
// pipelined requests are a thousand rounds, not a thousand frames. session.cc reads requests,
// session_body.cc their bodies, session_answer.cc writes answers, session_time.cc keeps the
// deadlines. Internal to core/http.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/http/body_decoder.h"
#include "core/http/handler.h"
#include "core/http/head_check.h"
#include "core/http/response_head.h"

namespace polyport::http {

class Server;

class Session final : public Exchange {
 public:
  explicit Session(Server& server) : server_(server) {}

  void attach(Connection& connection) { connection_ = &connection; }
  // Forgets everything, and gives memory back where a large message has passed.
  void detach();
  // Nothing of a message is here: the session can serve another connection.
  bool idle() const;
  std::size_t held_bytes() const;

  // --- called by the server, inside a callback of the connection ---------------------------------
  void receive(Bytes data);
  void resume();  // the output has room, or the answer or the pause of a body has ended
  void time_out(CloseReason reason);
  // Who the connection was upgraded for, or null, with its session and what came behind the
  // request.
  StreamHandler* next() const { return next_; }
  void* next_session() const { return next_session_; }
  std::string take_rest() { return std::move(pending_); }
  void abort();  // the connection is gone

  // --- Exchange ----------------------------------------------------------------------------------
  using Exchange::respond;
  const Request& request() const override { return request_; }
  Connection& connection() override { return *connection_; }
  void respond(int status, std::span<const Header> headers, Bytes body) override;
  void respond_error(int status, Bytes detail, std::span<const Header> headers) override;
  void begin(int status, std::span<const Header> headers,
             std::optional<std::uint64_t> content_length) override;
  void write(Bytes bytes) override;
  void write_shared(const Payload& payload) override;
  void end(std::span<const Header> trailers) override;
  bool congested() const override;
  void begin_raw() override;
  void record_wire() override { records_wire_ = true; }
  void force(int status, Bytes content_type) override;
  void upgrade(std::span<const Header> headers, StreamHandler& next, void* session) override;
  void keep() override { kept_ = true; }
  void pause_body() override { body_paused_ = true; }
  void resume_body() override;
  void* state() const override { return state_; }
  void set_state(void* state) override { state_ = state; }

 private:
  // A body that nobody wants is read up to this much to keep the connection; beyond, closing is
  // cheaper.
  static constexpr std::uint64_t kMostDropped = 256 * 1024;

  // Where the reading of the current message stands.
  enum class Phase : std::uint8_t { kHead, kBody, kWaiting };
  enum class Answer : std::uint8_t { kNone, kBegun, kDone };
  enum class Deadline : std::uint8_t { kOther, kHeader, kBody };

  // Reading (session.cc).
  void run(Bytes input);
  void run_pending();
  bool step();
  bool read_head();
  bool read_spilled_head();
  bool parse_head(Bytes head);
  void start_request(Bytes head);
  bool begin_exchange(Bytes head, HeadNote* known);
  void begin_time();
  void fill_request(Bytes head);
  void ask_handler(HeadNote* known);
  void end_exchange();
  void outlive_input();
  void settle_input();
  void keep_views();
  void meet_the_end_of_input();
  void fail(Refusal refusal, CloseReason reason = CloseReason::kProtocolError);

  // Reading a body (session_body.cc).
  bool read_body();
  void take_piece(Bytes piece);
  void append_to_body(Bytes piece);
  void read_trailers();
  void complete_message();

  // Deadlines (session_time.cc).
  void arm_deadline();
  void watch_body_rate(std::size_t received);

  // Answering (session_answer.cc).
  bool may_write(std::size_t size);
  void write_chunk(Bytes bytes);
  void send_head(int status, std::span<const Header> headers, Bytes body);
  ResponseHead::Persistence persistence() const;
  bool leaves_body_unread() const;
  void answer_ended();
  void tell_answered(bool complete);

  Server& server_;
  Connection* connection_ = nullptr;

  // Input. `input_` is what run() has not used yet; it dies when run() returns.
  Bytes input_;
  std::string pending_;  // bytes that came after what can be processed now
  std::string working_;  // those being processed
  std::string head_;     // a head that did not come in one read, or is kept for a later answer
  std::string body_;
  HeadCheck check_;
  BodyDecoder decoder_;
  std::vector<Header> fields_;
  std::string trailers_;  // their section, as it arrives
  std::vector<Header> trailer_fields_;
  std::string wire_;  // the body with its framing, where records_wire_
  Request request_;
  std::uint64_t dropped_ = 0;  // bytes of a body that nobody wants

  // The exchange.
  void* state_ = nullptr;
  std::uint64_t answer_left_ = 0;   // of a promised length
  std::uint64_t answer_bytes_ = 0;  // of the body, so far
  std::uint64_t began_ms_ = 0;
  std::uint64_t first_byte_ns_ = 0;  // of a request whose time is taken, or whose head is in pieces
  bool timed_ = false;
  std::string forced_type_;
  int forced_status_ = 0;
  int status_ = 0;                 // of the answer that has begun
  StreamHandler* next_ = nullptr;  // of an upgrade
  void* next_session_ = nullptr;
  ResponseHead::Framing framing_ = ResponseHead::Framing::kNone;
  Handler::Body body_mode_ = Handler::Body::kBuffer;
  Phase phase_ = Phase::kHead;
  Answer answer_ = Answer::kNone;
  bool running_ = false;
  bool in_exchange_ = false;  // on_head has been called, and neither end nor abort
  bool kept_ = false;
  bool body_done_ = false;
  bool body_paused_ = false;
  bool records_wire_ = false;
  bool told_ = false;              // of the answer's end, to the handler
  bool expects_continue_ = false;  // and has not been told to go on
  bool is_head_request_ = false;
  bool asked_to_close_ = false;  // by the client
  bool close_ = false;           // after this answer
  bool paused_ = false;          // reading, by us

  // Deadlines. The body's rate is measured from mark_ on.
  Deadline deadline_ = Deadline::kOther;
  std::chrono::milliseconds mark_{0};
  std::uint64_t since_mark_ = 0;
};

}  // namespace polyport::http
