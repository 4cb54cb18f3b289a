// What the HTTP engine hands to a service, and what a service answers with. Free of HTTP/1 details,
// so that another version of the protocol can stand behind the same handler.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>

#include "core/base/bytes.h"
#include "core/net/connection.h"

namespace polyport::http {

struct Header {
  Bytes name;
  Bytes value;
};

// A view into the read buffer: it dies when the callback returns, unless Exchange::keep() was
// called.
struct Request {
  Bytes method;
  Bytes target;     // as sent: "/echo?a=1", "http://host/echo", "*"
  Bytes path;       // target without scheme, authority and query; still percent-encoded
  Bytes query;      // without the "?"
  Bytes authority;  // of an absolute target, else the Host header
  int major = 1;
  int minor = 1;
  std::span<const Header> headers;  // in the order and case they came, values trimmed
  Bytes body;                       // whole, where the handler asked for kBuffer

  // The first header of that name (case is ignored), or null.
  const Header* find(Bytes name) const;
};

// One request and its answer. Valid during a callback; a handler that answers later calls keep()
// and finds it again by the connection's id through Server::exchange.
class Exchange {
 public:
  virtual const Request& request() const = 0;
  virtual Connection& connection() = 0;

  // The whole answer at once. Content-Length, Date, Connection and Server are the engine's; a HEAD
  // request gets the same head without the body. The bytes are the caller's again on return.
  virtual void respond(int status, std::span<const Header> headers, Bytes body) = 0;
  void respond(int status, Bytes content_type, Bytes body);
  // The JSON error {"status_code", "error", "detail"}, or text where the client prefers it.
  virtual void respond_error(int status, Bytes detail, std::span<const Header> headers = {}) = 0;

  // A streamed answer: begin, write…, end. Without a length it is chunked (HTTP/1.1) or ends with
  // the connection (HTTP/1.0). Backpressure: while congested() is true, wait for
  // Handler::on_writable.
  virtual void begin(int status, std::span<const Header> headers,
                     std::optional<std::uint64_t> content_length) = 0;
  virtual void write(Bytes bytes) = 0;
  virtual void end(std::span<const Header> trailers = {}) = 0;
  virtual bool congested() const = 0;

  // The request and this exchange outlive the callback, until end(), respond() or on_abort.
  virtual void keep() = 0;
  // The handler's own state for a kept exchange; freed by the handler in on_abort or when it ends.
  virtual void* state() const = 0;
  virtual void set_state(void* state) = 0;

 protected:
  ~Exchange() = default;
};

class Handler {
 public:
  enum class Body : std::uint8_t {
    kBuffer,   // collect it, up to max_body (413 beyond), then on_request
    kStream,   // on_body as it arrives, then on_request
    kDiscard,  // read and drop, then on_request
  };

  virtual ~Handler() = default;
  // The head is complete and valid. May respond at once: the body is then read and dropped, or the
  // connection is closed after the answer where that would be too much.
  virtual Body on_head(Exchange&) { return Body::kBuffer; }
  virtual void on_body(Exchange&, [[maybe_unused]] Bytes piece) {}
  // The message is complete. Must respond, begin, or keep.
  virtual void on_request(Exchange&) = 0;
  // A kept, begun answer may go on.
  virtual void on_writable(Exchange&) {}
  // The connection ended before a kept exchange was answered.
  virtual void on_abort(Exchange&) {}
};

}  // namespace polyport::http
