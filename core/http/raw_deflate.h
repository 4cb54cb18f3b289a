// Raw DEFLATE (RFC 1951), a message at a time, as permessage-deflate wants it (RFC 7692 section
// 7.2): the four bytes 00 00 ff ff that end each message are not sent. By zlib, which only
// raw_deflate.cc names.
//
// An Inflater holds 7 KB, and 32 KB more once it has a window to remember; a Deflater 140 to 270
// KB. Where the system has no memory for them, std::bad_alloc is thrown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/bytes.h"

namespace polyport::http {

class Inflater {
 public:
  enum class Result : std::uint8_t {
    kFine,
    kTooBig,   // `out` has more than `most` bytes, by 16 KiB at most
    kInvalid,  // no DEFLATE
  };

  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Adds what `input` inflates to at the end of `out`, at most 1,032 times its size, and gives up
  // as soon as that is too much. After anything but kFine only reset() may be called.
  Result add(Bytes input, std::string& out, std::size_t most);
  // The message is complete: adds what was held back. kInvalid where it ends in the middle of a
  // block. The window stays for the next message.
  Result end_message(std::string& out, std::size_t most);
  // Forgets the window as well.
  void reset();

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

class Deflater {
 public:
  enum class Memory : std::uint8_t { kSmall, kUsual };  // speed and size of what it makes

  static constexpr int kLeastWindowBits = 9;  // zlib makes no raw stream for 8
  static constexpr int kMostWindowBits = 15;

  explicit Deflater(int window_bits = kMostWindowBits, Memory memory = Memory::kUsual);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // Adds the whole message `input`, compressed, at the end of `out`. It may refer to messages
  // before it, back to the last reset().
  void add_message(Bytes input, std::string& out);
  void reset();

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace polyport::http
