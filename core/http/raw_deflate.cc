#include "core/http/raw_deflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "core/base/assert.h"

namespace polyport::http {
namespace {

constexpr std::size_t kChunkBytes = 16 * 1024;
constexpr Bytes kMessageEnd("\x00\x00\xff\xff", 4);
// What z_stream::data_type says between two blocks, on the border of a byte.
constexpr int kAtBlock = 128;

// zlib counts in unsigned int; larger input is given in several parts.
constexpr std::size_t kMostAtOnce = std::numeric_limits<int>::max();

Bytes give(z_stream& stream, Bytes& input) {
  const Bytes part = input.substr(0, kMostAtOnce);
  input.remove_prefix(part.size());
  // zlib's interface is not const, but it does not write here.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
  stream.avail_in = static_cast<uInt>(part.size());
  return part;
}

}  // namespace

// --- inflating -----------------------------------------------------------------------------------

struct Inflater::Stream : z_stream {
  Stream() : z_stream{} {
    if (inflateInit2(this, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Stream() { inflateEnd(this); }

  bool ended = false;  // the last block said it was the last one
};

Inflater::Inflater() : stream_(std::make_unique<Stream>()) {}
Inflater::~Inflater() = default;

void Inflater::reset() {
  inflateReset(stream_.get());
  stream_->ended = false;
}

Inflater::Result Inflater::add(Bytes input, std::string& out, std::size_t most) {
  POLYPORT_ASSERT(input.size() <= kMostAtOnce);
  Stream& stream = *stream_;
  give(stream, input);
  char chunk[kChunkBytes];
  // Once more after a full chunk: more may be held back although all input is taken.
  for (bool full = false; stream.avail_in > 0 || full;) {
    if (stream.ended) {
      // A block may call itself the last one (RFC 7692 section 7.2.3.4); what follows goes on, with
      // the same window.
      inflateResetKeep(&stream);
      stream.ended = false;
    }
    stream.next_out = reinterpret_cast<Bytef*>(chunk);
    stream.avail_out = sizeof chunk;
    const int result = inflate(&stream, Z_SYNC_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    out.append(chunk, sizeof chunk - stream.avail_out);
    if (out.size() > most) return Result::kTooBig;
    stream.ended = result == Z_STREAM_END;
    if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) return Result::kInvalid;
    full = stream.avail_out == 0 && !stream.ended;
  }
  return Result::kFine;
}

Inflater::Result Inflater::end_message(std::string& out, std::size_t most) {
  // After a last block that ends with the message nothing was held back.
  if (stream_->ended) return Result::kFine;
  const Result result = add(kMessageEnd, out, most);
  if (result != Result::kFine || stream_->ended) return result;
  return stream_->data_type == kAtBlock ? Result::kFine : Result::kInvalid;
}

// --- deflating -----------------------------------------------------------------------------------

struct Deflater::Stream : z_stream {
  Stream(int window_bits, int memory_level) : z_stream{} {
    // The fastest level: it runs on the loop, and a message is compressed once for all who get it.
    const int result = deflateInit2(this, Z_BEST_SPEED, Z_DEFLATED, -window_bits, memory_level,
                                    Z_DEFAULT_STRATEGY);
    if (result != Z_OK) throw std::bad_alloc();
  }
  ~Stream() { deflateEnd(this); }
};

Deflater::Deflater(int window_bits, Memory memory) {
  POLYPORT_ASSERT(window_bits >= kLeastWindowBits && window_bits <= kMostWindowBits);
  stream_ = std::make_unique<Stream>(window_bits, memory == Memory::kSmall ? 4 : 8);
}
Deflater::~Deflater() = default;

void Deflater::reset() {
  deflateReset(stream_.get());
}

void Deflater::add_message(Bytes input, std::string& out) {
  Stream& stream = *stream_;
  const std::size_t before = out.size();
  char chunk[kChunkBytes];
  do {
    give(stream, input);
    const int flush = input.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    do {
      stream.next_out = reinterpret_cast<Bytef*>(chunk);
      stream.avail_out = sizeof chunk;
      const int result = deflate(&stream, flush);
      POLYPORT_ASSERT(result == Z_OK || result == Z_BUF_ERROR);
      out.append(chunk, sizeof chunk - stream.avail_out);
    } while (stream.avail_out == 0);
  } while (!input.empty());
  if (out.size() == before) {
    // Nothing to say since the last flush: an empty message is one byte (RFC 7692 section 7.2.3.6).
    out.push_back('\0');
    return;
  }
  POLYPORT_ASSERT(Bytes(out).ends_with(kMessageEnd));
  out.resize(out.size() - kMessageEnd.size());
}

}  // namespace polyport::http
