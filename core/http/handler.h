// What the HTTP engine hands to a service, and what a service answers with. Free of HTTP/1 details,
// so that another version of the protocol can stand behind the same handler.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>

#include "core/base/bytes.h"
#include "core/base/payload.h"
#include "core/net/connection.h"
#include "core/net/stream_handler.h"

namespace polyport::http {

struct Header {
  Bytes name;
  Bytes value;
};

// A view: it dies when the callback returns, unless the exchange goes on (keep, begin).
struct Request {
  Bytes method;
  Bytes target;     // as sent: "/echo?a=1", "http://host/echo", "*"
  Bytes path;       // target without scheme, authority and query; still percent-encoded
  Bytes query;      // without the "?"
  Bytes authority;  // of an absolute target, else the Host header
  int major = 1;
  int minor = 1;
  std::span<const Header> headers;   // in the order and case they came, values trimmed
  bool has_body = false;             // something follows the head
  Bytes body;                        // whole, in on_request, where the handler asked for kBuffer
  std::span<const Header> trailers;  // what came behind a chunked body, in on_request
  // What arrived, byte for byte: the head from its request line on, and the body with its framing
  // where record_wire was called.
  Bytes wire_head;
  Bytes wire_body;

  // The first header of that name (case is ignored), or null.
  const Header* find(Bytes name) const;
  // Its value, or nothing at all.
  Bytes value(Bytes name) const;
};

class Handler;

struct CommonHeaders {
  std::span<const Header> fields;
  // Whether fields at this address are these, byte for byte, as long as the handler lives: then
  // they need not be compared to be known again.
  bool fixed = false;
};

// What a handler has found out about a head, and which handler it was.
struct HeadNote {
  const Handler* by = nullptr;
  const void* what = nullptr;
};

// One request and its answer. Its address and its request stay good from on_head until the answer
// has ended (respond, end) or on_abort; a handler that answers later may hold on to it so long.
class Exchange {
 public:
  virtual const Request& request() const = 0;
  virtual Connection& connection() = 0;

  // The whole answer at once. Content-Length, Transfer-Encoding, Date, Connection and Server are
  // the engine's and skipped where given; a HEAD request gets the same head without the body. The
  // bytes are the caller's again on return. Once an exchange: answering twice is a bug.
  virtual void respond(int status, std::span<const Header> headers, Bytes body) = 0;
  void respond(int status, Bytes content_type, Bytes body);
  // The JSON error {"status_code", "error", "detail"}, or text where the client prefers it.
  virtual void respond_error(int status, Bytes detail, std::span<const Header> headers = {}) = 0;

  // A streamed answer: begin, write…, end. Without a length it is chunked (HTTP/1.1) or ends with
  // the connection (HTTP/1.0). Backpressure: while congested() is true, wait for
  // Handler::on_writable. An answer shorter than the length it promised closes the connection; more
  // than that is a bug.
  virtual void begin(int status, std::span<const Header> headers,
                     std::optional<std::uint64_t> content_length) = 0;
  virtual void write(Bytes bytes) = 0;
  // The same for bytes that are shared: they are sent from where they lie where that is possible.
  virtual void write_shared(const Payload& payload) { write(payload.bytes()); }
  virtual void end(std::span<const Header> trailers = {}) = 0;
  virtual bool congested() const = 0;
  // Instead of begin: no head is written, and what write gives goes out as it is; after end the
  // connection is closed. For answers that are no HTTP.
  virtual void begin_raw() = 0;

  // In on_head: the body is kept as it arrives as well (Request::wire_body), framing included, up
  // to max_body.
  virtual void record_wire() = 0;
  // Whatever the handler will answer goes out with that status or type instead; 0 and nothing leave
  // them alone. Not for the errors of the engine.
  virtual void force(int status, Bytes content_type) = 0;

  // In place of an answer: 101 with `headers`, which name the protocol in Upgrade (Connection is
  // the engine's), and the connection is no longer HTTP. `next` gets it once what runs now has
  // returned, with `session` as its session(): on_open, then on_data for bytes that came behind the
  // request. Where it ends before that, on_close alone. Nothing of the exchange is called any more.
  // The request must be HTTP/1.1 and without a body; `next` must outlive the connection.
  virtual void upgrade(std::span<const Header> headers, StreamHandler& next, void* session) = 0;

  // Says that the answer comes later, after on_request has returned. Nothing more is read of this
  // connection until then.
  virtual void keep() = 0;
  // For a streamed request body: stops on_body, and lets the peer feel it, until resumed.
  virtual void pause_body() = 0;
  virtual void resume_body() = 0;
  // The handler's own state for this exchange; freed by the handler when it ends or in on_abort.
  virtual void* state() const = 0;
  virtual void set_state(void* state) = 0;

  // What a handler that hands on to others has found out about the request's head (which of them it
  // is for), so that it need not look again: at the next call, and at a later request with the same
  // head, byte for byte. Null where another one has noted something since.
  const void* noted(const Handler& by) const { return note_.by == &by ? note_.what : nullptr; }
  void note(const Handler& by, const void* what) { note_ = {&by, what}; }

 protected:
  ~Exchange() = default;

  HeadNote note_;
};

// How an exchange ended, for an access log.
struct Answered {
  int status = 0;
  std::uint64_t body_bytes = 0;       // without chunk framing
  bool complete = false;              // the connection did not end before the answer
  std::chrono::milliseconds took{0};  // since the head was complete
};

class Handler {
 public:
  enum class Body : std::uint8_t {
    kBuffer,   // collect it, up to max_body (413 beyond), then on_request
    kStream,   // on_body as it arrives, then on_request
    kDiscard,  // read and drop, then on_request
  };

  virtual ~Handler() = default;
  // The head is complete and valid. May respond at once: a short body is then read and dropped, and
  // the connection is closed after the answer where that would be too much.
  virtual Body on_head(Exchange&) { return Body::kBuffer; }
  virtual void on_body(Exchange&, [[maybe_unused]] Bytes piece) {}
  // The message is complete and not answered yet. Must respond, begin, or keep.
  virtual void on_request(Exchange&) = 0;
  // A begun answer may go on.
  virtual void on_writable(Exchange&) {}
  // The connection ended, or the rest of the request was bad, before the exchange was answered in
  // full. The last call for this exchange; answering is not possible any more.
  virtual void on_abort(Exchange&) {}
  // Headers of every answer, the engine's errors too, beside those it is given; one that the answer
  // has already is left out. Good until the next call.
  virtual CommonHeaders common_headers(const Exchange&) { return {}; }
  // An answer that had begun has ended. The request of a refused message may be empty.
  virtual void on_answered(Exchange&, const Answered&) {}
};

}  // namespace polyport::http
