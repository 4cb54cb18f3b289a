// Pages: what health and admin share. A page is a path and a function; the rest (404, 405, HEAD) is
// the same for all.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/handler.h"
#include "core/service.h"

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

  // Where `host` is given, its figures are brought up to date before the page is written.
  void add(std::string path, Page page, HostView* host = nullptr) {
    pages_.emplace(std::move(path), Entry{std::move(page), host});
  }
  void set_guard(Guard guard) { guard_ = std::move(guard); }

  Body on_head(http::Exchange& exchange) override;
  void on_request(http::Exchange& exchange) override;
  void on_abort(http::Exchange& exchange) override;

 private:
  struct Entry {
    Page page;
    HostView* host;
  };
  // An answer that waits for the figures of others; without its exchange once that has ended.
  struct Waiting {
    http::Exchange* exchange;
    const Page* page;
  };

  static void answer(http::Exchange& exchange, const Page& page);
  void answer_refreshed(http::Exchange& exchange, const Entry& entry);

  std::map<std::string, Entry, std::less<>> pages_;
  std::vector<std::weak_ptr<Waiting>> waiting_;
  Guard guard_;
};

inline constexpr std::string_view kJson = "application/json";

}  // namespace polyport
