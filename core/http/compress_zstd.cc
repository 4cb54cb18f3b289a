// zstd, with its own library.
#include <zstd.h>

#include "core/http/compress.h"

namespace polyport::http {

std::optional<std::string> zstd(Bytes body) {
  constexpr int kLevel = 3;
  std::string out(ZSTD_compressBound(body.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), body.data(), body.size(), kLevel);
  if (ZSTD_isError(size) != 0) return std::nullopt;
  out.resize(size);
  return out;
}

}  // namespace polyport::http
