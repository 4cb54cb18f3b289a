// Site: what the endpoints of one http service share: its options, its clock and alarms, its dice,
// and what a client may have changed (health, flaky counters).
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/http/date.h"
#include "core/loop/alarms.h"
#include "core/service.h"
#include "services/http/access_log.h"
#include "services/http/dial.h"
#include "services/http/flaky.h"
#include "services/http/folder.h"
#include "services/http/options.h"

namespace polyport::services::http {

class Site {
 public:
  // `options` must have been read without an error.
  explicit Site(SiteOptions options);
  // Fails where a file that an option names cannot be had.
  Result<void> start(ServiceContext& context);

  const SiteOptions& options() const { return options_; }
  const std::string& instance() const { return instance_; }
  HostView& host() { return context_->host; }
  Loop& loop() { return context_->loop; }
  Log& log() { return context_->log; }
  Alarms& alarms() { return *alarms_; }
  std::mt19937_64& random() { return random_; }
  AccessLog* access_log() { return access_log_.get(); }   // null: there is none
  Outbound* outbound() { return outbound_.get(); }        // null unless `unsafe`
  const Folder* folder() const { return folder_.get(); }  // null: no files are served

  int health = 200;  // what /health answers, as POST /health set it
  int ready = 200;
  Flaky flaky;
  std::unique_ptr<Alarm> ending;  // the end of the process that /exit was asked for

 private:
  SiteOptions options_;
  std::string instance_;
  ServiceContext* context_ = nullptr;
  std::unique_ptr<Alarms> alarms_;
  std::unique_ptr<AccessLog> access_log_;
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<Outbound> outbound_;
  std::mt19937_64 random_;
};

}  // namespace polyport::services::http
