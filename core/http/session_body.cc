// Session's reading side, the body: its pieces, where they go, and its trailers.
#include "core/http/characters.h"
#include "core/http/server.h"
#include "core/http/session.h"

namespace polyport::http {

bool Session::read_body() {
  if (body_paused_ && answer_ != Answer::kDone) return false;
  if (body_done_) {
    complete_message();
    return true;
  }
  if (answer_ == Answer::kDone && close_) {
    phase_ = Phase::kWaiting;  // nobody waits for the rest of the body
    return true;
  }
  if (input_.empty()) return false;
  const BodyDecoder::Step step = decoder_.next(input_);
  if (records_wire_) wire_.append(input_.substr(0, step.used));
  trailers_.append(step.trailers);
  input_.remove_prefix(step.used);
  switch (step.state) {
    case BodyDecoder::State::kRefused:
      fail(step.refusal);
      return false;
    case BodyDecoder::State::kPiece:
      watch_body_rate(step.used);
      take_piece(step.piece);
      break;
    case BodyDecoder::State::kNeedMore:
    case BodyDecoder::State::kComplete:
      break;
  }
  if (connection_->ending()) return false;
  if (wire_.size() > server_.options_.max_body) {
    fail({413, "the body, with its framing, is larger than max_body"});
    return false;
  }
  body_done_ = decoder_.complete();
  return true;
}

void Session::take_piece(Bytes piece) {
  if (answer_ == Answer::kDone || body_mode_ == Handler::Body::kDiscard) {
    dropped_ += piece.size();
    if (answer_ == Answer::kDone && dropped_ > kMostDropped) connection_->finish();
    return;
  }
  if (body_mode_ == Handler::Body::kStream) {
    server_.handler_.on_body(*this, piece);
    return;
  }
  if (body_.empty() && decoder_.complete()) {
    request_.body = piece;  // all of it, where it lies
  } else if (body_.size() + piece.size() > server_.options_.max_body) {
    fail({413, "the body is larger than max_body"});
  } else {
    append_to_body(piece);
  }
}

// Where the length is known, the string does not grow past it for the last time, but to it.
void Session::append_to_body(Bytes piece) {
  const std::size_t room = body_.capacity();
  if (!check_.chunked && body_.size() + piece.size() > room && check_.content_length < 2 * room) {
    std::string whole;
    whole.reserve(check_.content_length);
    whole.append(body_);
    body_.swap(whole);
  }
  body_.append(piece);
}

void Session::complete_message() {
  phase_ = Phase::kWaiting;
  if (answer_ == Answer::kDone) return;
  if (!body_.empty()) request_.body = body_;
  if (!trailers_.empty()) read_trailers();
  request_.wire_body = wire_;
  server_.handler_.on_request(*this);
  if (answer_ == Answer::kNone && !kept_ && !connection_->ending()) {
    respond_error(500, "this service gave no answer", {});
  }
}

// The decoder has checked the section: lines of "Name: value" and an empty one.
void Session::read_trailers() {
  for (Bytes rest = trailers_; !rest.empty();) {
    const std::size_t end = rest.find("\r\n");
    const Bytes line = rest.substr(0, end);
    if (end == Bytes::npos || line.empty()) break;
    const std::size_t colon = line.find(':');
    trailer_fields_.push_back({line.substr(0, colon), trim_blanks(line.substr(colon + 1))});
    rest.remove_prefix(end + 2);
  }
  request_.trailers = trailer_fields_;
}

}  // namespace polyport::http
