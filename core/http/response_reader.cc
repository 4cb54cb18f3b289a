#include "core/http/response_reader.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace polyport::http {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";

// Calls visit(item) for each part of a list field ("keep-alive, Upgrade").
template <class Visit>
void for_each_item(std::string_view list, Visit visit) {
  for (const std::string_view item : split(list, ','))
    visit(trim(item));
}

bool is_bodiless(int status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

void ResponseReader::start(Method method) {
  head_.clear();
  method_ = method;
  stage_ = Stage::kHead;
  status_ = 0;
}

ResponseReader::Step ResponseReader::next(Bytes input) {
  switch (stage_) {
    case Stage::kHead:
      return read_head(input);
    case Stage::kUntilClose:
      if (input.empty()) return {};
      return {.state = State::kPiece, .used = input.size(), .piece = input};
    case Stage::kDone:
      return {.state = State::kComplete};
    case Stage::kBody:
      break;
  }
  if (decoder_.complete()) {
    stage_ = Stage::kDone;
    return {.state = State::kComplete};
  }
  if (input.empty()) return {};
  const BodyDecoder::Step step = decoder_.next(input);
  switch (step.state) {
    case BodyDecoder::State::kRefused:
      return {.state = State::kRefused, .used = step.used, .what = step.refusal.detail};
    case BodyDecoder::State::kPiece:
      return {.state = State::kPiece, .used = step.used, .piece = step.piece};
    case BodyDecoder::State::kComplete:
      stage_ = Stage::kDone;
      return {.state = State::kComplete, .used = step.used};
    case BodyDecoder::State::kNeedMore:
      break;
  }
  return {.state = State::kNeedMore, .used = step.used};
}

ResponseReader::Step ResponseReader::read_head(Bytes input) {
  const std::size_t before = head_.size();
  head_.append(input.substr(0, kMostHeadBytes + 1 - before));
  // What cannot become a status line is told at once and not after 64 KiB.
  const std::string_view begin = "HTTP/1.";
  const std::size_t shown = std::min(begin.size(), head_.size());
  if (head_.compare(0, shown, begin, 0, shown) != 0) {
    return {.state = State::kRefused, .what = "the answer does not begin with HTTP/1."};
  }
  const std::size_t from = before < kEnd.size() ? 0 : before - kEnd.size();
  const std::size_t end = head_.find(kEnd, from);
  if (end == std::string::npos) {
    if (head_.size() > kMostHeadBytes) {
      return {.state = State::kRefused, .what = "the head of the answer is over 64 KiB"};
    }
    return {.state = State::kNeedMore, .used = input.size()};
  }
  head_.resize(end + 2);  // every line with its end, without the empty one
  const std::size_t used = end + kEnd.size() - before;
  if (const std::string_view wrong = take_head(); !wrong.empty()) {
    return {.state = State::kRefused, .used = used, .what = wrong};
  }
  head_.clear();
  if (status_ < 200 && status_ != 101) {  // interim: the answer itself is still to come
    stage_ = Stage::kHead;
    Step rest = read_head(input.substr(used));
    rest.used += used;
    return rest;
  }
  Step rest = next(input.substr(used));
  rest.used += used;
  return rest;
}

std::string_view ResponseReader::take_head() {
  has_length_ = chunked_ = false;
  const std::string_view line(head_.data(), head_.find("\r\n"));
  // "HTTP/1.1 200 OK"; the reason may be missing, its blank too.
  const auto minor = parse_number<int>(line.substr(0, 8).substr(7), 0, 9);
  const auto status = line.size() >= 12 && line[8] == ' '
                          ? parse_number<int>(line.substr(9, 3), 100, 599)
                          : std::nullopt;
  if (!minor || !status || (line.size() > 12 && line[12] != ' ')) {
    return "the status line cannot be read";
  }
  minor_ = *minor;
  status_ = *status;
  keeps_alive_ = minor_ >= 1;
  for (std::string_view rest = std::string_view(head_).substr(line.size() + 2); !rest.empty();) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view field = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    const std::size_t colon = field.find(':');
    if (colon == 0 || colon == std::string_view::npos || field[colon - 1] == ' ') {
      return "a header field cannot be read";
    }
    const std::string_view wrong =
        take_field(field.substr(0, colon), trim(field.substr(colon + 1)));
    if (!wrong.empty()) return wrong;
  }
  return choose_framing();
}

std::string_view ResponseReader::take_field(std::string_view name, std::string_view value) {
  if (equals_ignoring_case(name, "Content-Length")) {
    const auto length = parse_number<std::uint64_t>(value);
    if (!length || (has_length_ && length_ != *length)) return "Content-Length cannot be read";
    has_length_ = true;
    length_ = *length;
  } else if (equals_ignoring_case(name, "Transfer-Encoding")) {
    if (chunked_ || !equals_ignoring_case(value, "chunked")) {
      return "only Transfer-Encoding: chunked can be read";
    }
    chunked_ = true;
  } else if (equals_ignoring_case(name, "Connection")) {
    for_each_item(value, [this](std::string_view item) {
      if (equals_ignoring_case(item, "close")) keeps_alive_ = false;
      if (equals_ignoring_case(item, "keep-alive") && minor_ == 0) keeps_alive_ = true;
    });
  }
  return {};
}

// RFC 9112 section 6.3.
std::string_view ResponseReader::choose_framing() {
  if (chunked_ && has_length_) return "both Content-Length and Transfer-Encoding";
  if (is_bodiless(status_) || method_ == Method::kHead) {
    decoder_.start_length(0);
  } else if (chunked_) {
    decoder_.start_chunked();
  } else if (has_length_) {
    decoder_.start_length(length_);
  } else {
    keeps_alive_ = false;
    stage_ = Stage::kUntilClose;
    return {};
  }
  stage_ = Stage::kBody;
  return {};
}

}  // namespace polyport::http
