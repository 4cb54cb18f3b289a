// HeadCheck: the verdict on the raw head of a request, before any parser sees it (RFC 9112 sections
// 2 to 6, RFC 9110 section 5).
//
// It goes over each line once, as soon as the line is complete, so the verdict is the same however
// the bytes arrive, and stands before llhttp's, which lets through bare LF, obs-fold, a missing or
// second Host, odd framing and more. It holds positions, never bytes: the head may move between two
// scans.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/http/refusal.h"
#include "core/http/target.h"

namespace polyport::http {

struct HeadLimits {
  std::size_t max_request_line = 8 * 1024;   // without its CR LF; 414 beyond
  std::size_t max_header_bytes = 16 * 1024;  // all field lines with their CR LF; 431 beyond
  std::size_t max_headers = 100;             // 431 beyond
};

class HeadCheck {
 public:
  enum class State : std::uint8_t { kPartial, kComplete, kRefused };
  enum class Expect : std::uint8_t { kNothing, kContinue, kUnknown };

  // A part of the head, by position.
  struct Slice {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
    Bytes of(Bytes head) const { return {head.data() + at, size}; }  // of a head that has it
  };

  // `head` is everything received of this message so far, from the same first byte in every call;
  // it may go on past the end of the head. Goes on where the last call stopped.
  State scan(Bytes head, const HeadLimits& limits);

  const Refusal& refusal() const { return refusal_; }  // of kRefused
  // Whether anything but empty lines before the request has come (RFC 9112 section 2.2 drops
  // those).
  bool begun(Bytes head) const { return head.size() > start_; }
  std::size_t start() const { return start_; }            // of the request line
  std::size_t field_start() const { return fields_at_; }  // of the first field line
  std::size_t length() const { return line_at_; }         // of kComplete: all up to the body

  // --- of a complete head ------------------------------------------------------------------------
  Slice method, target, path, query, authority;
  Slice host;  // the value of the Host header
  TargetForm form = TargetForm::kOrigin;
  std::uint8_t minor = 1;  // HTTP/1.0 or 1.1
  std::uint16_t fields = 0;
  Expect expect = Expect::kNothing;
  bool has_content_length = false;
  bool chunked = false;
  std::uint64_t content_length = 0;

  bool has_body() const { return chunked || content_length > 0; }
  // What the client asked of the connection after this exchange (RFC 9112 section 9.3).
  bool keeps_alive() const { return !close_ && (minor == 1 || keep_alive_); }

 private:
  Refusal check_line(Bytes head, Bytes line, std::size_t line_end, const HeadLimits& limits);
  Refusal check_request_line(Bytes line);
  Refusal check_field(Bytes line);
  Refusal check_known_field(Bytes name, Bytes value);
  Refusal check_content_length(Bytes value);
  Refusal check_transfer_encoding(Bytes value);
  void note_connection(Bytes value);
  Refusal check_whole() const;
  Refusal over_limit(std::size_t line_bytes, std::size_t end, const HeadLimits& limits) const;
  State refuse(Refusal refusal);

  enum class Stage : std::uint8_t { kRequestLine, kFields, kDone };

  Refusal refusal_;
  std::size_t start_ = 0;
  std::size_t line_at_ = 0;  // where the line being read begins
  std::size_t scanned_ = 0;  // no LF between line_at_ and here
  std::size_t fields_at_ = 0;
  Stage stage_ = Stage::kRequestLine;
  bool has_host_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
};

}  // namespace polyport::http
