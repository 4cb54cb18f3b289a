#include "core/http/body_decoder.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/http/characters.h"

namespace polyport::http {
namespace {

constexpr Refusal kBadSize{400, "a chunk must begin with its size in hexadecimal digits and CR LF"};
constexpr Refusal kHugeSize{400, "a chunk size has more than 15 digits"};
constexpr Refusal kBadExtension{400, "a chunk extension is not of the form ;name=value"};
constexpr Refusal kLongLine{400, "a chunk's size line is too long"};
constexpr Refusal kBareLf{400, "a line of the chunked body does not end in CR LF"};
constexpr Refusal kBadChunkEnd{400, "a chunk is longer than its size says"};
constexpr Refusal kOverhead{400, "the chunks are so small that the body is mostly framing"};
constexpr Refusal kBadTrailer{400, "a trailer field is not of the form Name: value"};
constexpr Refusal kFramingTrailer{400, "framing and routing fields are not allowed in trailers"};
constexpr Refusal kLongTrailers{431, "the trailer fields are too large"};

bool is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}

}  // namespace

void BodyDecoder::start_length(std::uint64_t length) {
  *this = BodyDecoder{};
  remaining_ = length;
  stage_ = length == 0 ? Stage::kDone : Stage::kData;
}

void BodyDecoder::start_chunked() {
  *this = BodyDecoder{};
  chunked_ = true;
  stage_ = Stage::kSizeFirst;
}

BodyDecoder::Step BodyDecoder::next(Bytes input) {
  std::size_t used = 0;
  std::size_t trailers_at = Bytes::npos;
  while (used < input.size() && stage_ != Stage::kDone) {
    if (stage_ == Stage::kData) {
      Step step = next_data(input.substr(used));
      step.used += used;
      return step;
    }
    if (stage_ >= Stage::kTrailerStart && trailers_at == Bytes::npos) trailers_at = used;
    const Refusal bad = take(input[used++]);
    if (bad) return {State::kRefused, used, {}, bad};
    if (++overhead_ > kFreeOverhead + data_) return {State::kRefused, used, {}, kOverhead};
  }
  const State state = stage_ == Stage::kDone ? State::kComplete : State::kNeedMore;
  const Bytes trailers =
      trailers_at == Bytes::npos ? Bytes{} : input.substr(trailers_at, used - trailers_at);
  return {state, used, {}, {}, trailers};
}

BodyDecoder::Step BodyDecoder::next_data(Bytes input) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), remaining_));
  remaining_ -= size;
  if (remaining_ == 0) stage_ = chunked_ ? Stage::kDataCr : Stage::kDone;
  data_ += size;
  return {State::kPiece, size, input.substr(0, size)};
}

Refusal BodyDecoder::take(char byte) {
  if (stage_ <= Stage::kSize) return take_in_size(byte);
  if (stage_ >= Stage::kTrailerStart && stage_ <= Stage::kTrailerValue) {
    return take_in_trailer(byte);
  }
  if (stage_ >= Stage::kQuoted && stage_ <= Stage::kQuotedEnd) return take_in_quotes(byte);
  if (stage_ >= Stage::kSizeLf) return take_line_end(byte);
  return take_in_extension(byte);
}

Refusal BodyDecoder::take_in_size(char byte) {
  const int digit = hex_value(byte);
  if (digit >= 0) {
    if (stage_ == Stage::kSizeFirst) {
      remaining_ = 0;
      line_ = 0;
    }
    if (++line_ > 15) return kHugeSize;
    remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
    return go(Stage::kSize);
  }
  if (stage_ == Stage::kSizeFirst) return kBadSize;
  if (byte == '\r') return go(Stage::kSizeLf);
  if (byte == ';') return go(Stage::kExtensionStart);
  if (is_blank(byte)) return go(Stage::kBeforeExtension);
  return byte == '\n' ? kBareLf : kBadSize;
}

// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), RFC 9112
// section 7.1.1.
Refusal BodyDecoder::take_in_extension(char byte) {
  if (++line_ > kMaxChunkLine) return kLongLine;
  const bool token = is(kTokenCharacter, byte);
  const bool after_word = stage_ == Stage::kExtensionName || stage_ == Stage::kExtensionValue;
  switch (stage_) {
    case Stage::kExtensionStart:
      if (is_blank(byte)) return {};
      return token ? go(Stage::kExtensionName) : kBadExtension;
    case Stage::kValueStart:
      if (is_blank(byte)) return {};
      if (byte == '"') return go(Stage::kQuoted);
      return token ? go(Stage::kExtensionValue) : kBadExtension;
    default:
      break;
  }
  if (token && after_word) return {};
  if (byte == ';') return go(Stage::kExtensionStart);
  if (byte == '\r' && after_word) return go(Stage::kSizeLf);
  const bool named = stage_ == Stage::kExtensionName || stage_ == Stage::kAfterName;
  if (byte == '=' && named) return go(Stage::kValueStart);
  if (is_blank(byte)) return go(named ? Stage::kAfterName : Stage::kBeforeExtension);
  return byte == '\n' ? kBareLf : kBadExtension;
}

Refusal BodyDecoder::take_in_quotes(char byte) {
  if (++line_ > kMaxChunkLine) return kLongLine;
  if (stage_ == Stage::kQuotedEnd) {
    if (byte == '\r') return go(Stage::kSizeLf);
    if (byte == ';') return go(Stage::kExtensionStart);
    return is_blank(byte) ? go(Stage::kBeforeExtension) : kBadExtension;
  }
  if (!is(kValueCharacter, byte)) return kBadExtension;
  if (stage_ == Stage::kQuotedPair) return go(Stage::kQuoted);
  if (byte == '"') return go(Stage::kQuotedEnd);
  return byte == '\\' ? go(Stage::kQuotedPair) : Refusal{};
}

Refusal BodyDecoder::take_line_end(char byte) {
  if (stage_ == Stage::kDataCr) return byte == '\r' ? go(Stage::kDataLf) : kBadChunkEnd;
  if (byte != '\n') return kBareLf;
  switch (stage_) {
    case Stage::kSizeLf:
      line_ = 0;
      return go(remaining_ == 0 ? Stage::kTrailerStart : Stage::kData);
    case Stage::kDataLf:
      return go(Stage::kSizeFirst);
    case Stage::kTrailerLf:
      return go(Stage::kTrailerStart);
    default:
      return go(Stage::kDone);
  }
}

Refusal BodyDecoder::take_in_trailer(char byte) {
  if (++line_ > kMaxTrailerBytes) return kLongTrailers;
  if (stage_ == Stage::kTrailerValue) {
    if (byte == '\r') return go(Stage::kTrailerLf);
    return is(kValueCharacter, byte) ? Refusal{} : kBadTrailer;
  }
  if (stage_ == Stage::kTrailerStart) {
    if (byte == '\r') return go(Stage::kLastLf);
    name_size_ = 0;
  } else if (byte == ':') {
    stage_ = Stage::kTrailerValue;
    return end_of_trailer_name();
  }
  if (!is(kTokenCharacter, byte)) return kBadTrailer;
  if (name_size_ < name_.size()) name_[name_size_++] = byte;
  return go(Stage::kTrailerName);
}

Refusal BodyDecoder::end_of_trailer_name() const {
  const Bytes name(name_.data(), name_size_);
  for (const Bytes forbidden : {"content-length", "transfer-encoding", "host"}) {
    if (equals_ignoring_case(name, forbidden)) return kFramingTrailer;
  }
  return {};
}

}  // namespace polyport::http
