// The handler of /upload, which sees the body as it arrives.
#pragma once

#include "services/http/call.h"

namespace polyport::services::http {

class UploadHandler final : public polyport::http::Handler {
 public:
  explicit UploadHandler(Site& site) : site_(site) {}
  Body on_head(Exchange& exchange) override;
  void on_body(Exchange& exchange, Bytes piece) override;
  void on_request(Exchange& exchange) override;
  void on_abort(Exchange& exchange) override;

 private:
  void refuse(Exchange& exchange) const;
  Site& site_;
};

}  // namespace polyport::services::http
