// Compressed answers and base64.
#include "core/base/text.h"
#include "core/http/base64.h"
#include "core/http/compress.h"
#include "services/http/endpoints.h"

namespace polyport::services::http {
namespace {

using In = RouteParameter::In;
using polyport::http::Coding;

// The answer of /get without its URL and with a word that it was compressed, compressed; whether
// the client says that it can read that or not.
void answer_compressed(Call& call, Coding coding, std::string_view word) {
  const std::string body = json_object([&](JsonWriter& json) {
    write_request(json, call);
    json.field(word, true);
  });
  const auto compressed = polyport::http::compress(coding, body);
  if (!compressed) return call.error(500, "the compression failed");
  call.json(*compressed, 200, {{"Content-Encoding", name(coding)}});
}

void gzip(Call& call) {
  answer_compressed(call, Coding::kGzip, "gzipped");
}

void deflate(Call& call) {
  answer_compressed(call, Coding::kDeflate, "deflated");
}

void brotli(Call& call) {
  answer_compressed(call, Coding::kBrotli, "brotli");
}

void zstd(Call& call) {
  answer_compressed(call, Coding::kZstd, "zstd");
}

// --- base64 --------------------------------------------------------------------------------------

void answer_base64(Call& call, std::string result) {
  std::string type(call.arguments().value("content-type"));
  if (type.empty()) type = kText;
  if (call.is_risky(type)) result = html_escaped(result);
  call.respond(200, type, result);
}

void decode(Call& call) {
  const std::string data = call.path("data");
  auto result = polyport::http::decode_base64(data);
  if (!result || data.empty()) return call.bad("data", "it is no base64");
  answer_base64(call, std::move(*result));
}

void encode(Call& call) {
  const std::string data = call.path("data");
  if (data.empty()) return call.bad("data", "there is nothing to encode");
  answer_base64(call, polyport::http::base64_url(data));
}

void neither(Call& call) {
  call.bad("operation", quoted(call.path("operation"), 60) + " is neither encode nor decode");
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kType{.name = "content-type",
                               .fallback = "text/plain",
                               .help = "of the answer; escaped where a browser could run it"};
constexpr RouteParameter kData[] = {
    {.name = "data", .in = In::kPath, .help = "in either alphabet, with padding or without"},
    kType};
constexpr RouteParameter kPlainData[] = {{.name = "data", .in = In::kPath, .help = "any text"},
                                         kType};
constexpr RouteParameter kOperation[] = {
    {.name = "operation", .in = In::kPath, .help = "encode or decode"},
    {.name = "data", .in = In::kPath, .help = "the input"}};

}  // namespace

std::span<const Route> coding_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/gzip", "an answer in gzip", gzip},
      {"*", "/deflate", "an answer in deflate (the zlib format)", deflate},
      {"*", "/brotli", "an answer in brotli", brotli},
      {"*", "/zstd", "an answer in zstd", zstd},
      {"*", "/base64/encode/{data}", "base64 of a text, in the URL's alphabet", encode, kPlainData,
       "/base64/encode/polyport"},
      {"*", "/base64/decode/{data}", "a text from base64", decode, kData,
       "/base64/decode/cG9seXBvcnQ="},
      {"*", "/base64/{data}", "the same", decode, kData, "/base64/cG9seXBvcnQ="},
      {"*", "/base64/{operation}/{data}", "400: another operation", neither, kOperation,
       "/base64/turn/x"},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
