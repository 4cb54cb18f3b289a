// Presence: how a running polyport shows itself to the rest of the system: to other polyports by
// the services it publishes, to the service manager by notifications.
#pragma once

#include "app/notify.h"
#include "app/publish.h"
#include "core/observe/events.h"
#include "core/observe/log.h"
#include "core/service.h"

namespace polyport {

class Presence final : public EventSink {
 public:
  Presence(const HostView& host, Events& events, Log& log, Notifier notifier);
  ~Presence() override;

  // All is open: other polyports can learn it now.
  void publish();
  // And whoever waits for us may know.
  void ready();
  void draining();
  // A listener that had to wait is open now.
  void on_listening(const Listening& event) override;

 private:
  void notify(const std::string& lines);

  const HostView& host_;
  Events& events_;
  Log& log_;
  const Notifier notifier_;
  PublishedServices published_;
};

}  // namespace polyport
