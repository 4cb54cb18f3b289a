// ResponseReader: the answers that a client of ours gets, taken apart as they arrive (RFC 9112).
//
// Incremental and bounded: a head of up to 64 KiB, a body by Content-Length, chunked, or up to the
// end of the connection. Interim answers (100, 103) are passed over. It is strict where the framing
// is concerned, because a client that guesses where an answer ends compares the wrong bytes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/http/body_decoder.h"

namespace polyport::http {

class ResponseReader {
 public:
  static constexpr std::size_t kMostHeadBytes = 64 * 1024;

  enum class State : std::uint8_t {
    kNeedMore,  // all input is used up
    kPiece,     // `piece` holds the next bytes of the body; call again with the rest
    kComplete,  // the answer ends here; what is left of the input belongs to the next one
    kRefused,   // no answer that can be understood: `what` says why
  };
  struct Step {
    State state = State::kNeedMore;
    std::size_t used = 0;  // of the input
    Bytes piece = {};
    std::string_view what = {};
  };
  enum class Method : std::uint8_t { kHead, kOther };

  // The answer to the next request begins; the method decides whether a body can follow.
  void start(Method method = Method::kOther);
  Step next(Bytes input);
  // The peer has sent its FIN. True where that is the end of the answer.
  bool ends_here() const { return stage_ == Stage::kUntilClose; }

  // --- of the answer whose head has been read
  // -----------------------------------------------------
  int status() const { return status_; }
  // Whether the connection can carry another request.
  bool keeps_alive() const { return keeps_alive_; }

 private:
  enum class Stage : std::uint8_t { kHead, kBody, kUntilClose, kDone };

  Step read_head(Bytes input);
  // Empty, or what is wrong.
  std::string_view take_head();
  std::string_view take_field(std::string_view name, std::string_view value);
  std::string_view choose_framing();

  std::string head_;
  BodyDecoder decoder_;
  std::uint64_t length_ = 0;
  int status_ = 0;
  int minor_ = 1;
  Stage stage_ = Stage::kHead;
  Method method_ = Method::kOther;
  bool has_length_ = false;
  bool chunked_ = false;
  bool keeps_alive_ = true;
};

}  // namespace polyport::http
