#include "app/publish.h"

#include <unistd.h>

#include <utility>

#include "core/base/json_writer.h"
#include "core/ports/processes.h"

namespace polyport {

bool PublishedServices::publish(std::string_view text) {
  auto file = MemoryFile::make(std::string(kPublishedServicesName), text);
  if (!file) return false;
  // The old one goes when the new one is whole: there is always one to be read.
  file_ = std::move(*file);
  return true;
}

std::string published_text(std::span<const ServiceStatus> services) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.field("event", "ready");
  json.field("pid", ::getpid());
  json.key("services");
  json.begin_array();
  for (const ServiceStatus& service : services) {
    json.begin_object();
    json.field("name", service.name);
    json.field("type", service.type);
    json.key("listeners");
    json.begin_array();
    for (const ListenerStatus& listener : service.listeners) {
      if (!listener.is_open()) continue;
      json.begin_object();
      json.field("id", listener.id);
      json.field("transport", name(listener.transport));
      json.field("where", listener.where);
      json.field("bound", listener.bound);
      json.end_object();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return text + "\n";
}

}  // namespace polyport
