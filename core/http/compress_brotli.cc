// brotli, with its own library.
#include <brotli/encode.h>

#include "core/http/compress.h"

namespace polyport::http {

std::optional<std::string> brotli(Bytes body) {
  constexpr int kQuality = 5;  // above, each step costs several times the time
  std::size_t size = BrotliEncoderMaxCompressedSize(body.size());
  if (size == 0) return std::nullopt;
  std::string out(size, '\0');
  const auto* const input = reinterpret_cast<const std::uint8_t*>(body.data());
  if (BrotliEncoderCompress(kQuality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, body.size(), input,
                            &size, reinterpret_cast<std::uint8_t*>(out.data())) == BROTLI_FALSE) {
    return std::nullopt;
  }
  out.resize(size);
  return out;
}

}  // namespace polyport::http
