// BodyDecoder: takes the body out of the bytes that follow a head (RFC 9112 sections 6 and 7).
//
// Content-Length and chunked, both to the letter: no bare LF, no blanks in a chunk size, extensions
// by their grammar and bounded. Trailer fields are checked. Pure, 64 bytes, no copy: a piece of the
// body, and of the trailers, is a view into the input.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/http/refusal.h"

namespace polyport::http {

class BodyDecoder {
 public:
  enum class State : std::uint8_t {
    kNeedMore,  // all input is used up
    kPiece,     // `piece` holds the next bytes of the body; call again with the rest
    kComplete,  // the message ends here; what is left belongs to the next one
    kRefused,
  };
  struct Step {
    State state;
    std::size_t used;  // of the input
    Bytes piece = {};
    Refusal refusal = {};
    Bytes trailers = {};  // the bytes of this input that belong to the trailer section
  };

  // More framing than this beside little data is not a body, it is an attack on the processor:
  // beyond kFreeOverhead bytes, chunk lines may cost at most as many bytes as the data they carry.
  static constexpr std::uint64_t kFreeOverhead = 100 * 1024;
  static constexpr std::uint32_t kMaxChunkLine = 4 * 1024;
  static constexpr std::uint32_t kMaxTrailerBytes = 8 * 1024;

  void start_length(std::uint64_t length);
  void start_chunked();

  Step next(Bytes input);

  bool complete() const { return stage_ == Stage::kDone; }
  // Bytes of a body with a Content-Length still to come.
  std::uint64_t remaining() const { return remaining_; }
  bool chunked() const { return chunked_; }

 private:
  enum class Stage : std::uint8_t {
    kData,
    kSizeFirst,  // the first digit of a chunk size
    kSize,
    kBeforeExtension,  // after a blank: only ";" may follow
    kExtensionStart,   // after ";"
    kExtensionName,
    kAfterName,   // after a blank: "=" or ";"
    kValueStart,  // after "="
    kExtensionValue,
    kQuoted,
    kQuotedPair,
    kQuotedEnd,
    kSizeLf,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kLastLf,
    kDone,
  };

  Step next_data(Bytes input);
  Refusal take(char byte);
  Refusal take_in_size(char byte);
  Refusal take_in_extension(char byte);
  Refusal take_in_quotes(char byte);
  Refusal take_in_trailer(char byte);
  Refusal take_line_end(char byte);
  Refusal end_of_trailer_name() const;
  Refusal go(Stage stage) {
    stage_ = stage;
    return {};
  }

  std::uint64_t remaining_ = 0;  // of the body, or of the chunk
  std::uint64_t data_ = 0;       // body bytes of all chunks so far
  std::uint64_t overhead_ = 0;   // framing bytes so far
  std::uint32_t line_ = 0;       // bytes of the chunk line, or of all trailers
  std::array<char, 20> name_{};  // the start of a trailer's name
  std::uint8_t name_size_ = 0;
  Stage stage_ = Stage::kDone;
  bool chunked_ = false;
};

}  // namespace polyport::http
