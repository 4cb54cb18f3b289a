// Front: what every request of the http service meets first: CORS, the headers of all answers, and
// answers that the client controls by x-set-response-*. Behind it stands the router of the routes.
#pragma once

#include <array>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/http/router.h"
#include "services/http/route.h"
#include "services/http/site.h"

namespace polyport::services::http {

class Front final : public polyport::http::Handler {
 public:
  explicit Front(Site& site);
  ~Front() override;

  Body on_head(polyport::http::Exchange& exchange) override;
  void on_body(polyport::http::Exchange& exchange, Bytes piece) override;
  void on_request(polyport::http::Exchange& exchange) override;
  void on_writable(polyport::http::Exchange& exchange) override;
  void on_abort(polyport::http::Exchange& exchange) override;
  polyport::http::CommonHeaders common_headers(const polyport::http::Exchange& exchange) override;
  void on_answered(polyport::http::Exchange& exchange,
                   const polyport::http::Answered& answered) override;

 private:
  struct Wishes;
  class Delay;

  void add(const Route& route);
  void fill_common();
  void answer_options(polyport::http::Exchange& exchange);
  // What the client wants the answer to be; false where that has been answered with 400.
  bool read_wishes(polyport::http::Exchange& exchange, Wishes& wishes);
  bool take_wish(Wishes& wishes, std::string_view what, std::string_view value) const;

  Site& site_;
  polyport::http::Router router_;
  std::vector<std::unique_ptr<polyport::http::Handler>> handlers_;
  std::unordered_map<polyport::http::Exchange*, std::unique_ptr<Delay>> delayed_;
  std::vector<polyport::http::Header> common_;          // of an answer to no Origin
  std::vector<polyport::http::Header> common_of_cors_;  // of one to the last Origin
};

}  // namespace polyport::services::http
