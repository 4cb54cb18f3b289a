// Pages: what health and admin share. A page is a path and a function; the rest (404, 405, HEAD) is
// the same for all.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/http/handler.h"

namespace polyport {

class Pages final : public http::Handler {
 public:
  struct Answer {
    int status = 200;
    std::string_view content_type = "text/plain; charset=utf-8";
    std::string body;
  };
  using Page = std::function<Answer()>;
  // An error sentence where the request must be refused with 403, else empty.
  using Guard = std::function<std::string_view(const http::Request&)>;

  void add(std::string path, Page page) { pages_.emplace(std::move(path), std::move(page)); }
  void set_guard(Guard guard) { guard_ = std::move(guard); }

  Body on_head(http::Exchange& exchange) override;
  void on_request(http::Exchange& exchange) override;

 private:
  std::map<std::string, Page, std::less<>> pages_;
  Guard guard_;
};

inline constexpr std::string_view kJson = "application/json";

}  // namespace polyport
