#include "services/http/images.h"

#include <algorithm>

#include "core/http/accept.h"
#include "services/http/endpoints.h"

namespace polyport::services::http {
namespace {

using In = RouteParameter::In;

struct Image {
  std::string_view kind;
  Bytes type;
  Bytes (*bytes)();
};
// The first is what a client gets that likes them all.
constexpr Image kImages[] = {{"png", "image/png", png_image},
                             {"webp", "image/webp", webp_image},
                             {"svg", "image/svg+xml", svg_image},
                             {"jpeg", "image/jpeg", jpeg_image}};

void answer_image(Call& call, const Image& image, Call::HeaderList more = {}) {
  call.respond(200, image.type, image.bytes(), more);
}

void by_accept(Call& call) {
  const Bytes accept = call.request().value("Accept");
  const Image* best = nullptr;
  int most = 0;
  for (const Image& image : kImages) {
    const int liked = polyport::http::quality(accept, image.type);
    if (liked <= most) continue;
    most = liked;
    best = &image;
  }
  if (best == nullptr) {
    return call.error(415, "there are image/png, image/webp, image/svg+xml and image/jpeg");
  }
  answer_image(call, *best, {{"Vary", "Accept"}});
}

void by_name(Call& call) {
  const std::string kind = call.path("kind");
  const auto* const found = std::find_if(std::begin(kImages), std::end(kImages),
                                         [&](const Image& image) { return image.kind == kind; });
  if (found == std::end(kImages)) return call.error(404, "there are png, jpeg, svg and webp");
  answer_image(call, *found);
}

constexpr RouteParameter kKind[] = {
    {.name = "kind", .in = In::kPath, .help = "png, jpeg, svg or webp; 404 for any other"}};

}  // namespace

std::span<const Route> image_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/image", "a picture in the format that Accept likes best, or 415", by_accept},
      {"*", "/image/{kind}", "the picture in one format", by_name, kKind, "/image/png"},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
