// Session's reading side: from bytes to requests.
#include "core/http/session.h"

#include "core/base/assert.h"
#include "core/http/server.h"
#include "core/net/network.h"

namespace polyport::http {
namespace {

constexpr std::size_t kMostKeptMemory = 16 * 1024;

void give_back(std::string& buffer) {
  if (buffer.capacity() > kMostKeptMemory) {
    std::string().swap(buffer);
  } else {
    buffer.clear();
  }
}

}  // namespace

void Session::detach() {
  if (paused_ && connection_ != nullptr) connection_->resume_reading();
  if (!idle()) {
    give_back(pending_);
    give_back(working_);  // where a handler has thrown
    end_exchange();
  }
  connection_ = nullptr;
  next_ = nullptr;
  input_ = {};
  deadline_ = Deadline::kOther;
  running_ = paused_ = false;
}

bool Session::idle() const {
  return phase_ == Phase::kHead && head_.empty() && pending_.empty() && !in_exchange_;
}

std::size_t Session::held_bytes() const {
  std::size_t bytes = 0;
  for (const std::string* buffer : {&pending_, &working_, &head_, &body_, &wire_, &trailers_})
    bytes += buffer->capacity();
  return bytes;
}

// --- the loop ------------------------------------------------------------------------------------

void Session::receive(Bytes data) {
  if (pending_.empty()) {
    run(data);
    return;
  }
  pending_.append(data);
  run_pending();
}

void Session::resume() {
  if (connection_->ending()) return;
  if (answer_ == Answer::kBegun) {
    running_ = true;
    server_.handler_.on_writable(*this);
  }
  run_pending();
}

void Session::run_pending() {
  working_.swap(pending_);
  pending_.clear();
  run(working_);
  give_back(working_);
}

void Session::run(Bytes input) {
  input_ = input;
  running_ = true;
  try {
    while (step()) {
    }
  } catch (...) {
    outlive_input();  // the end of the connection is told with the request
    throw;
  }
  running_ = false;
  meet_the_end_of_input();
  settle_input();
}

bool Session::step() {
  if (connection_->ending() || next_ != nullptr) return false;
  switch (phase_) {
    case Phase::kHead:
      if (input_.empty() || congested()) return false;
      return head_.empty() ? read_head() : read_spilled_head();
    case Phase::kBody:
      return read_body();
    case Phase::kWaiting:
      if (answer_ != Answer::kDone) return false;
      end_exchange();
      return true;
  }
  return false;
}

// Views into what run() was given are made to last, where somebody will be told of them yet.
void Session::outlive_input() {
  if (in_exchange_ && !told_) keep_views();
}

// What the loop could not use is kept, and reading stops until the rest can be used.
void Session::settle_input() {
  outlive_input();
  if (connection_->ending()) {
    input_ = {};
    return;
  }
  if (!input_.empty() || !pending_.empty()) pending_.assign(input_);
  input_ = {};
  if (next_ != nullptr) return;
  const bool pause =
      !pending_.empty() || phase_ == Phase::kWaiting || (phase_ == Phase::kBody && body_paused_);
  if (pause && !paused_) connection_->pause_reading();
  if (!pause && paused_) connection_->resume_reading();
  paused_ = pause;
  arm_deadline();
}

void Session::meet_the_end_of_input() {
  if (!connection_->peer_finished() || connection_->ending() || !input_.empty()) return;
  if (next_ != nullptr) return;
  if (phase_ == Phase::kHead && head_.empty()) {
    connection_->finish(Connection::Linger::kSkip, CloseReason::kPeerClosed);
  } else if (phase_ == Phase::kHead) {
    fail({400, "your side ended in the middle of the head; a head ends with an empty line"});
  } else if (phase_ == Phase::kBody && !body_done_) {
    fail({400, "your side ended before the body was complete"});
  }
}

// --- the head ------------------------------------------------------------------------------------

bool Session::read_head() {
  if (HeadNote* const note = server_.known_heads_.recall(input_, check_, fields_)) {
    const Bytes head = input_.substr(0, check_.length());
    input_.remove_prefix(head.size());
    return begin_exchange(head, note);
  }
  check_ = HeadCheck{};
  switch (check_.scan(input_, server_.options_.limits)) {
    case HeadCheck::State::kPartial:
      if (check_.begun(input_)) {
        head_.assign(input_);
        first_byte_ns_ = AnswerTimes::now_ns();
      }
      input_ = {};
      return false;
    case HeadCheck::State::kRefused:
      is_head_request_ = check_.method.of(input_) == "HEAD";
      fail(check_.refusal());
      return false;
    case HeadCheck::State::kComplete:
      break;
  }
  const Bytes head = input_.substr(0, check_.length());
  input_.remove_prefix(head.size());
  return parse_head(head) && begin_exchange(head, server_.known_heads_.keep(head, check_, fields_));
}

bool Session::read_spilled_head() {
  const std::size_t before = head_.size();
  head_.append(input_);
  switch (check_.scan(head_, server_.options_.limits)) {
    case HeadCheck::State::kPartial:
      if (!check_.begun(head_)) {
        head_.clear();
        first_byte_ns_ = 0;
      }
      input_ = {};
      return false;
    case HeadCheck::State::kRefused:
      fail(check_.refusal());
      return false;
    case HeadCheck::State::kComplete:
      break;
  }
  input_.remove_prefix(check_.length() - before);
  head_.resize(check_.length());
  return parse_head(head_) && begin_exchange(head_, nullptr);
}

bool Session::parse_head(Bytes head) {
  const Refusal bad = server_.parser_.parse(head, check_, fields_);
  if (!bad) return true;
  start_request(head);
  fail(bad);
  return false;
}

void Session::begin_time() {
  ++server_.requests_;
  began_ms_ = connection_->network().loop().now_ms();
  timed_ = connection_->network().answer_times().due();
  if (timed_ && first_byte_ns_ == 0) first_byte_ns_ = AnswerTimes::now_ns();
}

void Session::start_request(Bytes head) {
  connection_->count_request();
  begin_time();
  is_head_request_ = check_.method.of(head) == "HEAD";
}

// `known`, where the head is remembered, has what the handler noted about it, and gets what it
// notes.
bool Session::begin_exchange(Bytes head, HeadNote* known) {
  start_request(head);
  fill_request(head);
  const ServerOptions& options = server_.options_;
  asked_to_close_ = !check_.keeps_alive();
  close_ = asked_to_close_ || (options.keepalive_requests != 0 &&
                               connection_->requests() >= options.keepalive_requests);
  if (request_.method == "CONNECT") {
    fail({501, "this server is no proxy: CONNECT is not implemented"});
    return false;
  }
  if (check_.chunked) {
    decoder_.start_chunked();
  } else {
    decoder_.start_length(check_.content_length);
  }
  body_done_ = decoder_.complete();
  expects_continue_ =
      !body_done_ && check_.expect == HeadCheck::Expect::kContinue && request_.minor == 1;
  ask_handler(known);
  return true;
}

void Session::fill_request(Bytes head) {
  request_.method = check_.method.of(head);
  request_.target = check_.target.of(head);
  request_.path = check_.path.of(head);
  if (request_.path.empty()) request_.path = "/";
  request_.query = check_.query.of(head);
  request_.minor = check_.minor;
  request_.headers = fields_;
  request_.has_body = check_.has_body();
  request_.body = {};
  request_.trailers = trailer_fields_;
  request_.wire_head = head.substr(check_.start(), check_.length() - check_.start());
  request_.wire_body = wire_;
  request_.authority = check_.authority.of(head);
  if (request_.authority.empty()) request_.authority = check_.host.of(head);
}

void Session::ask_handler(HeadNote* known) {
  in_exchange_ = true;
  phase_ = Phase::kBody;
  if (known != nullptr) note_ = *known;
  body_mode_ = server_.handler_.on_head(*this);
  if (known != nullptr) *known = note_;
  if (connection_->ending() || answer_ == Answer::kDone) return;
  if (body_mode_ == Handler::Body::kBuffer && check_.content_length > server_.options_.max_body) {
    fail({413, "the body is larger than max_body"});
    return;
  }
  if (!expects_continue_) return;
  expects_continue_ = false;
  if (answer_ == Answer::kNone) connection_->send("HTTP/1.1 100 Continue\r\n\r\n");
}

// --- the end of an exchange ----------------------------------------------------------------------

// Called with the answer complete; what belongs to the exchange is forgotten.
void Session::end_exchange() {
  if (answer_ == Answer::kDone) tell_answered(true);
  const bool close = close_ && answer_ == Answer::kDone;
  if (close && connection_ != nullptr) {
    const bool heard_all = asked_to_close_ && body_done_ && input_.empty();
    connection_->clear_deadline();
    connection_->finish(heard_all ? Connection::Linger::kSkip : Connection::Linger::kWait);
  }
  give_back(head_);
  give_back(body_);
  give_back(wire_);
  give_back(trailers_);
  trailer_fields_.clear();
  forced_type_.clear();
  forced_status_ = status_ = 0;
  answer_bytes_ = 0;
  fields_.clear();
  request_ = Request{};
  state_ = nullptr;
  note_ = {};
  dropped_ = 0;
  began_ms_ = first_byte_ns_ = 0;
  timed_ = false;
  phase_ = Phase::kHead;
  answer_ = Answer::kNone;
  in_exchange_ = kept_ = body_done_ = body_paused_ = expects_continue_ = false;
  records_wire_ = told_ = false;
  is_head_request_ = asked_to_close_ = close_ = false;
  deadline_ = Deadline::kOther;
}

void Session::abort() {
  const bool unanswered = in_exchange_ && answer_ != Answer::kDone;
  in_exchange_ = false;
  if (answer_ == Answer::kBegun) tell_answered(false);
  if (unanswered) server_.handler_.on_abort(*this);
  close_ = false;
}

// The request cannot be taken: says so where the answer has not begun, and ends the connection,
// because nobody knows where the next message would begin.
void Session::fail(Refusal refusal, CloseReason reason) {
  if (phase_ == Phase::kHead && !head_.empty()) {
    is_head_request_ = check_.method.of(head_) == "HEAD";
  }
  input_ = {};
  give_back(pending_);
  const Answer answer = answer_;
  abort();
  if (answer == Answer::kBegun) {
    connection_->close(reason);
    return;
  }
  if (answer == Answer::kNone) {
    close_ = true;
    force(0, {});
    static constexpr Header kRetry[] = {{"Retry-After", "1"}};
    const bool later = refusal.status == 503;
    respond_error(refusal.status, refusal.detail,
                  later ? std::span<const Header>(kRetry) : std::span<const Header>());
  }
  connection_->clear_deadline();
  connection_->finish(Connection::Linger::kWait, reason);
  close_ = false;
  end_exchange();
}

// Views into memory that dies with run() are moved to the session's own.
void Session::keep_views() {
  if (!head_.empty()) {
    if (!request_.body.empty() && body_.empty()) {
      body_.assign(request_.body);
      request_.body = body_;
    }
    return;
  }
  const Bytes target = request_.target;
  POLYPORT_ASSERT(!target.empty());
  const char* old_head = target.data() - check_.target.at;
  head_.assign(old_head, check_.length());
  const Bytes body = request_.body;
  for (Header& field : fields_) {
    const auto move = [&](Bytes& view) {
      if (!view.empty()) view = {head_.data() + (view.data() - old_head), view.size()};
    };
    move(field.name);
    move(field.value);
  }
  fill_request(head_);
  if (body.empty()) return;
  if (body_.empty()) body_.assign(body);
  request_.body = body_;
}

}  // namespace polyport::http
