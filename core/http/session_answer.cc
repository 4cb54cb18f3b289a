// Session's answering side: from the handler's calls to bytes.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>
#include <iterator>

#include "core/base/assert.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/http/accept.h"
#include "core/http/server.h"
#include "core/http/session.h"
#include "core/http/status.h"
#include "core/net/listener.h"
#include "core/net/network.h"

namespace polyport::http {
namespace {

constexpr std::size_t kStackBytes = 4096;
constexpr std::size_t kLargePiece = 64 * 1024;

}  // namespace

bool Session::congested() const {
  return connection_->queued_bytes() > connection_->listener().door().policy.write_high;
}

void Session::resume_body() {
  body_paused_ = false;
  if (!running_) connection_->wake();
}

// --- whole answers -------------------------------------------------------------------------------

void Session::respond(int status, std::span<const Header> headers, Bytes body) {
  POLYPORT_ASSERT(answer_ == Answer::kNone);
  if (forced_status_ != 0) status = forced_status_;
  const bool bodiless = is_bodiless(status);
  framing_ = bodiless ? ResponseHead::Framing::kNone : ResponseHead::Framing::kLength;
  answer_left_ = body.size();
  if (leaves_body_unread()) close_ = true;
  const bool has_body = !bodiless && !is_head_request_;
  if (has_body) answer_bytes_ = body.size();
  send_head(status, headers, has_body ? body : Bytes{});
  answer_ended();
}

void Session::respond_error(int status, Bytes detail, std::span<const Header> headers) {
  const Bytes type = preferred_type(request_.value("Accept"), {"application/json", "text/plain"});
  std::string body;
  if (type == "text/plain") {
    body.append(std::to_string(status)).append(" ").append(reason_phrase(status));
    if (!detail.empty()) body.append(": ").append(detail);
  } else {
    JsonWriter json(body);
    json.begin_object();
    json.field("status_code", status);
    json.field("error", reason_phrase(status));
    if (!detail.empty()) json.field("detail", detail);
    json.end_object();
  }
  body.push_back('\n');
  std::vector<Header> all;
  all.reserve(headers.size() + 1);
  all.push_back({"Content-Type", type == "text/plain" ? Bytes("text/plain; charset=utf-8") : type});
  all.insert(all.end(), headers.begin(), headers.end());
  respond(status, all, body);
}

// --- streamed answers ----------------------------------------------------------------------------

void Session::begin(int status, std::span<const Header> headers,
                    std::optional<std::uint64_t> content_length) {
  POLYPORT_ASSERT(answer_ == Answer::kNone);
  if (forced_status_ != 0) status = forced_status_;
  answer_left_ = content_length.value_or(0);
  if (is_bodiless(status)) {
    framing_ = ResponseHead::Framing::kNone;
  } else if (content_length) {
    framing_ = ResponseHead::Framing::kLength;
  } else if (request_.minor >= 1) {
    framing_ = ResponseHead::Framing::kChunked;
  } else {
    framing_ = ResponseHead::Framing::kUntilClose;
    close_ = true;
  }
  send_head(status, headers, {});
  answer_ = Answer::kBegun;
}

void Session::begin_raw() {
  POLYPORT_ASSERT(answer_ == Answer::kNone);
  framing_ = ResponseHead::Framing::kUntilClose;
  close_ = true;
  is_head_request_ = false;  // what is written is written, whatever was asked for
  answer_ = Answer::kBegun;
}

void Session::force(int status, Bytes content_type) {
  forced_status_ = status;
  forced_type_ = content_type;
}

// Counts so many bytes of a body that are about to be written; false where there is no body.
bool Session::may_write(std::size_t size) {
  POLYPORT_ASSERT(answer_ == Answer::kBegun);
  if (size == 0 || framing_ == ResponseHead::Framing::kNone) return false;
  if (framing_ == ResponseHead::Framing::kLength) {
    POLYPORT_ASSERT(size <= answer_left_);
    answer_left_ -= size;
  }
  if (is_head_request_) return false;
  answer_bytes_ += size;
  return true;
}

void Session::write(Bytes bytes) {
  if (!may_write(bytes.size())) return;
  if (framing_ == ResponseHead::Framing::kChunked) return write_chunk(bytes);
  connection_->send(bytes);
}

void Session::write_shared(const Payload& payload) {
  if (framing_ == ResponseHead::Framing::kChunked) return write(payload.bytes());
  if (may_write(payload.size())) connection_->send(payload);
}

void Session::write_chunk(Bytes bytes) {
  char buffer[kStackBytes];
  char* out = std::to_chars(buffer, buffer + 16, bytes.size(), 16).ptr;
  if (bytes.size() > kLargePiece) {
    // In one piece: behind one so large the end of its own chunk would look like a second answer to
    // a reader that is too slow.
    std::string chunk(buffer, out);
    chunk.reserve(chunk.size() + bytes.size() + 4);
    return connection_->send(chunk.append("\r\n").append(bytes).append("\r\n"));
  }
  *out++ = '\r';
  *out++ = '\n';
  if (bytes.size() + 32 <= sizeof buffer) {
    std::memcpy(out, bytes.data(), bytes.size());
    out += bytes.size();
  } else {
    connection_->send(Bytes(buffer, static_cast<std::size_t>(out - buffer)));
    connection_->send(bytes);
    out = buffer;
  }
  *out++ = '\r';
  *out++ = '\n';
  connection_->send(Bytes(buffer, static_cast<std::size_t>(out - buffer)));
}

void Session::end(std::span<const Header> trailers) {
  POLYPORT_ASSERT(answer_ == Answer::kBegun);
  if (framing_ == ResponseHead::Framing::kChunked && !is_head_request_) {
    std::string last(size_bound(trailers) + 5, '\0');
    std::memcpy(last.data(), "0\r\n", 3);
    char* out = write_fields(trailers, last.data() + 3);
    *out++ = '\r';
    *out++ = '\n';
    connection_->send(Bytes(last.data(), static_cast<std::size_t>(out - last.data())));
  } else if (framing_ == ResponseHead::Framing::kLength && answer_left_ > 0 && !is_head_request_) {
    // The peer must see that something is missing, and the next answer must not fill the gap.
    answer_ = Answer::kDone;
    connection_->close(CloseReason::kServiceError);
    return;
  }
  if (leaves_body_unread()) close_ = true;
  answer_ended();
}

// --- another protocol ----------------------------------------------------------------------------

void Session::upgrade(std::span<const Header> headers, StreamHandler& next, void* session) {
  POLYPORT_ASSERT(answer_ == Answer::kNone && body_done_ && request_.minor >= 1);
  framing_ = ResponseHead::Framing::kNone;
  send_head(101, headers, {});
  close_ = false;
  next_ = &next;
  next_session_ = session;
  answer_ended();
}

// --- common to both ------------------------------------------------------------------------------

// Whether the connection cannot go on after this answer, because more of the request is on its way
// than is worth reading, or nobody knows whether it comes at all (RFC 9110 section 10.1.1).
bool Session::leaves_body_unread() const {
  if (!in_exchange_ || body_done_) return false;
  return expects_continue_ || (!decoder_.chunked() && decoder_.remaining() > kMostDropped);
}

ResponseHead::Persistence Session::persistence() const {
  if (close_) return ResponseHead::Persistence::kClose;
  return request_.minor == 0 ? ResponseHead::Persistence::kKeepAlive
                             : ResponseHead::Persistence::kImplied;
}

void Session::send_head(int status, std::span<const Header> headers, Bytes body) {
  if (server_.draining_) close_ = true;
  status_ = status;
  std::vector<Header> changed;
  if (!forced_type_.empty()) {
    std::copy_if(headers.begin(), headers.end(), std::back_inserter(changed),
                 [](const Header& h) { return !equals_ignoring_case(h.name, "Content-Type"); });
    changed.push_back({"Content-Type", forced_type_});
    headers = changed;
  }
  const ResponseHead head{.status = status,
                          .headers = headers,
                          .common = server_.handler_.common_headers(*this),
                          .framing = framing_,
                          .length = answer_left_,
                          .persistence = persistence(),
                          .date = server_.date_.at(std::time(nullptr)),
                          .server = server_.options_.server_name};
  const HeadWriter::Written written = server_.heads_.write(head, body);
  connection_->send(written.bytes);
  if (!written.has_body) connection_->send(body);
}

void Session::tell_answered(bool complete) {
  if (told_) return;
  told_ = true;
  const std::uint64_t now = connection_->network().loop().now_ms();
  const bool began = began_ms_ != 0 && now > began_ms_;  // not where the head was refused
  const auto took = std::chrono::milliseconds(began ? now - began_ms_ : 0);
  server_.handler_.on_answered(*this, {status_, answer_bytes_, complete, took});
}

// The loop goes on with the next request: the one that runs, or one at the end of the turn.
void Session::answer_ended() {
  answer_ = Answer::kDone;
  if (timed_) connection_->network().answer_times().wait_for(connection_->id(), first_byte_ns_);
  timed_ = false;
  if (!running_ && in_exchange_) connection_->wake();
}

}  // namespace polyport::http
