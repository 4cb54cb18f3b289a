#include "core/http/compress.h"

#include "core/base/text.h"
#include "core/http/accept.h"

namespace polyport::http {

Bytes name(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return "gzip";
    case Coding::kDeflate:
      return "deflate";
    case Coding::kBrotli:
      return "br";
    case Coding::kZstd:
      return "zstd";
  }
  return {};
}

std::optional<std::string> compress(Coding coding, Bytes body) {
  switch (coding) {
    case Coding::kGzip:
      return gzip(body);
    case Coding::kDeflate:
      return deflate(body);
    case Coding::kBrotli:
      return brotli(body);
    case Coding::kZstd:
      return zstd(body);
  }
  return std::nullopt;
}

std::optional<Coding> preferred_coding(Bytes accept_encoding) {
  if (accept_encoding.empty()) return std::nullopt;
  std::optional<Coding> best;
  // "identity" is acceptable unless it is refused; only where it is named does its weight count.
  int most = coding_quality(accept_encoding, "identity").value_or(0);
  for (const Coding coding : {Coding::kZstd, Coding::kBrotli, Coding::kGzip, Coding::kDeflate}) {
    const auto any = coding_quality(accept_encoding, "*");
    const int liked = coding_quality(accept_encoding, name(coding)).value_or(any.value_or(0));
    if (liked == 0 || liked < most || (best && liked == most)) continue;
    best = coding;
    most = liked;
  }
  return best;
}

}  // namespace polyport::http
