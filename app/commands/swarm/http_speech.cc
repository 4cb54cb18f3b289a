#include "app/commands/swarm/http_speech.h"

#include <algorithm>

#include "app/commands/swarm/pattern.h"
#include "core/base/text.h"

namespace polyport::swarm {
namespace {

// FNV-1a, as published by Fowler, Noll and Vo. It tells two bodies apart that were not made to be
// mistaken for each other.
constexpr std::uint64_t kFnvStart = 0xcbf29ce484222325u;
std::uint64_t fnv(std::uint64_t hash, Bytes bytes) {
  for (const char c : bytes)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

// An echo in JSON tells more than the bytes; an answer that is much longer is none.
constexpr std::size_t kMostBeside = 64 * 1024;

}  // namespace

void HttpSpeech::say(std::string& out) {
  const std::size_t size = talk_.post_bytes.value_or(0);
  out.append(talk_.post_bytes ? "POST " : "GET ").append(talk_.path);
  out.append(" HTTP/1.1\r\nHost: ").append(talk_.host);
  out.append("\r\nUser-Agent: polyport-swarm\r\n");
  if (talk_.post_bytes) {
    out.append("Content-Type: text/plain\r\nContent-Length: " + std::to_string(size) + "\r\n");
  }
  out.append("\r\n");
  append_pattern(out, key_, said_, size);
  said_ += size;
  reader_.start();
  kept_.clear();
  body_ = kFnvStart;
  body_bytes_ = 0;
  asked_ = true;
}

Heard HttpSpeech::hear(Bytes bytes) {
  using State = http::ResponseReader::State;
  Heard heard;
  while (heard.wrong.empty()) {
    if (!asked_) {
      if (!bytes.empty()) heard.wrong = "bytes came that nobody asked for: " + quoted(bytes, 40);
      return heard;
    }
    const auto step = reader_.next(bytes);
    bytes.remove_prefix(step.used);
    switch (step.state) {
      case State::kNeedMore:
        return heard;
      case State::kPiece:
        take_piece(step.piece, heard);
        break;
      case State::kComplete:
        complete(heard);
        break;
      case State::kRefused:
        heard.wrong = std::string(step.what);
        break;
    }
  }
  return heard;
}

// An answer without a length goes up to here (RFC 9112 section 6.3).
Heard HttpSpeech::hear_end() {
  Heard heard;
  if (asked_ && reader_.ends_here()) complete(heard);
  return heard;
}

void HttpSpeech::take_piece(Bytes piece, Heard& heard) {
  body_ = fnv(body_, piece);
  body_bytes_ += piece.size();
  if (!talk_.post_bytes) return;
  if (kept_.size() + piece.size() > *talk_.post_bytes + kMostBeside) {
    heard.wrong = "the answer is far longer than what was posted";
    return;
  }
  kept_.append(piece);
}

void HttpSpeech::complete(Heard& heard) {
  asked_ = false;
  spent_ = !reader_.keeps_alive();
  if (reader_.status() < 200 || reader_.status() > 299) {
    heard.wrong = "the answer has status " + std::to_string(reader_.status());
    return;
  }
  if (talk_.post_bytes) {
    std::string posted;
    append_pattern(posted, key_, said_ - *talk_.post_bytes, *talk_.post_bytes);
    if (kept_.find(posted) == std::string::npos) {
      heard.wrong = "the bytes that were posted are not in the answer: " + quoted(kept_, 40);
      return;
    }
  } else if (talk_.body.value_or(body_) != body_) {
    heard.wrong = "the answer is not the one that the first request got";
    return;
  }
  talk_.body = body_;
  served_ = true;
  heard.verified += talk_.post_bytes.value_or(body_bytes_);
  ++heard.answers;
}

}  // namespace polyport::swarm
