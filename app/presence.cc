#include "app/presence.h"

#include <cstring>

#include "app/table.h"

namespace polyport {
namespace {

// "10 services, 17 ports; 2 listeners wait for their port"
std::string status_text(const std::vector<ServiceStatus>& services) {
  std::size_t waiting = 0;
  for (const ServiceStatus& service : services) {
    for (const ListenerStatus& listener : service.listeners) {
      if (listener.state == ListenerState::kRetrying) ++waiting;
    }
  }
  std::string text = count_open(services);
  if (waiting == 1) text += "; 1 listener waits for its port";
  if (waiting > 1) text += "; " + std::to_string(waiting) + " listeners wait for their port";
  return text;
}

}  // namespace

Presence::Presence(const HostView& host, Events& events, Log& log, Notifier notifier)
    : host_(host), events_(events), log_(log), notifier_(std::move(notifier)) {
  events_.add(*this);
}

Presence::~Presence() {
  events_.remove(*this);
}

void Presence::ready() {
  notify("READY=1\nSTATUS=" + status_text(host_.services()) + "\n");
}

void Presence::draining() {
  notify("STOPPING=1\nSTATUS=draining, " + std::to_string(host_.open_connections()) + " open\n");
}

void Presence::on_listening(const Listening&) {
  publish();
  notify("STATUS=" + status_text(host_.services()) + "\n");
}

void Presence::publish() {
  if (published_.publish(published_text(host_.services()))) return;
  log_.debug({.event = "not_published",
              .message = "another polyport cannot name the services of this one"});
}

void Presence::notify(const std::string& lines) {
  const int error = notifier_.send(lines);
  if (error == 0) return;
  const std::string message = std::string("NOTIFY_SOCKET: ") + std::strerror(error);
  log_.warn({.event = "not_notified", .message = message});
}

}  // namespace polyport
