// Content codings and base64. That each library's output can be read is for real clients to say
// (tests/program).
#include "core/http/accept.h"
#include "core/http/base64.h"
#include "core/http/compress.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::http;

TEST_CASE("a coding is chosen by Accept-Encoding (RFC 9110 section 12.5.3)") {
  CHECK_FALSE(preferred_coding(""));
  CHECK_FALSE(preferred_coding("identity"));
  CHECK_FALSE(preferred_coding("compress"));
  CHECK(preferred_coding("gzip") == Coding::kGzip);
  CHECK(preferred_coding("GZIP;q=0.1") == Coding::kGzip);
  CHECK(preferred_coding("gzip, deflate, br, zstd") == Coding::kZstd);
  CHECK(preferred_coding("gzip, deflate, br") == Coding::kBrotli);
  CHECK(preferred_coding("gzip;q=0.8, deflate;q=0.9") == Coding::kDeflate);
  CHECK(preferred_coding("*") == Coding::kZstd);
  CHECK(preferred_coding("zstd;q=0, br;q=0, *") == Coding::kGzip);
  CHECK(preferred_coding("identity, gzip") == Coding::kGzip);
  CHECK_FALSE(preferred_coding("identity, gzip;q=0.5"));
  CHECK_FALSE(preferred_coding("gzip;q=0"));
  CHECK(preferred_coding("identity;q=0.1, gzip;q=0.5") == Coding::kGzip);
  CHECK(coding_quality("a, b;q=0.25", "B") == 250);
  CHECK_FALSE(coding_quality("a, b", "c"));
}

TEST_CASE("each coding makes its own format, and long texts shorter") {
  const std::string text(100'000, 'a');
  CHECK(gzip(text)->starts_with("\x1f\x8b\x08"));
  CHECK(deflate("") == Bytes("\x78\x9c\x03\x00\x00\x00\x00\x01", 8));
  CHECK(zstd(text)->starts_with("\x28\xb5\x2f\xfd"));
  for (const Coding coding : {Coding::kGzip, Coding::kDeflate, Coding::kBrotli, Coding::kZstd}) {
    INFO(name(coding));
    CHECK(compress(coding, text)->size() < 1000);
    CHECK(compress(coding, "").has_value());
  }
}

TEST_CASE("base64 is read in both alphabets (RFC 4648)") {
  const std::pair<Bytes, Bytes> vectors[] = {
      {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
      {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& vector : vectors) {
    CHECK(base64(vector.first) == vector.second);
    CHECK(decode_base64(vector.second) == vector.first);
  }
  CHECK(base64("\xfb\xff\xfe") == "+//+");
  CHECK(base64_url("\xfb\xff\xfe") == "-__-");
  CHECK(decode_base64("+//+") == "\xfb\xff\xfe");
  CHECK(decode_base64("-__-") == "\xfb\xff\xfe");
  CHECK(decode_base64("Zg") == "f");
  for (const Bytes bad :
       {"Z", "Zg=", "Zg===", "Zm9v=", "Zm9v====", "Z=g=", "Zm 9", "Zm9\n", "===="})
    CHECK_FALSE(decode_base64(bad));
}
