// gzip and deflate, with zlib.
#include <zlib.h>

#include "core/http/compress.h"

namespace polyport::http {
namespace {

constexpr int kZlibFormat = 15;       // the window in bits
constexpr int kGzipFormat = 15 + 16;  // zlib's way to ask for gzip's header and trailer

std::optional<std::string> packed(Bytes body, int format) {
  if (body.size() > 0x7fffffffu) return std::nullopt;  // zlib counts in unsigned int
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, format, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return std::nullopt;
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(body.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::string> gzip(Bytes body) {
  return packed(body, kGzipFormat);
}

std::optional<std::string> deflate(Bytes body) {
  return packed(body, kZlibFormat);
}

}  // namespace polyport::http
