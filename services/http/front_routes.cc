// The routes a visitor meets first: the page at "/", the cheapest answers, uploads.
#include "core/http/accept.h"
#include "services/http/endpoints.h"
#include "services/http/front_page.h"
#include "services/http/upload.h"

namespace polyport::services::http {
namespace {

constexpr Header kPlainHeaders[] = {{"Content-Type", "text/plain"}};

// The cheap one: what a load test should ask for.
void plain(Call& call) {
  call.exchange().respond(200, kPlainHeaders, "Hello, World!");
}

void bench(Call& call) {
  call.exchange().respond(200, kPlainHeaders, "1");
}

// A person with a browser gets the page, one with curl the same as text.
void front(Call& call) {
  const Request& request = call.request();
  const FrontPage page = front_page(call.site().host(), call.exchange().connection(),
                                    request.authority, call.options());
  const bool html = polyport::http::preferred_type(request.value("Accept"),
                                                   {"text/plain", "text/html"}) == "text/html";
  call.respond(200, html ? kHtml : kText, html ? front_page_html(page) : front_page_text(page),
               {{"Cache-Control", "no-store"},
                {"Vary", "Accept"},
                {"Content-Security-Policy",
                 "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}});
}

}  // namespace

std::span<const Route> front_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/plain", "13 bytes, as cheap as can be: for load tests", plain},
      {"GET", "/bench", "one byte, the same way", bench},
      {"GET", "/", "who you are, what you reached, and every port of this server", front},
      {"POST,PUT,PATCH",
       "/upload",
       "takes a body of any size and says how large it was",
       nullptr,
       {},
       {},
       Route::Body::kStream,
       Route::When::kAlways,
       [](Site& site) -> polyport::http::Handler* { return new UploadHandler(site); }},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
