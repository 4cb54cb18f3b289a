#include "app/publish.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "app/ready.h"
#include "core/base/json_writer.h"
#include "core/ports/processes.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3
#endif

namespace polyport {
namespace {

int create_memory_file() {
  const std::string name(kPublishedServicesName);
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int fd = ::memfd_create(name.c_str(), flags | MFD_NOEXEC_SEAL);
  return fd < 0 && errno == EINVAL ? ::memfd_create(name.c_str(), flags) : fd;
}

bool seal(int fd) {
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  return ::fchmod(fd, 0400) == 0 && ::fcntl(fd, F_ADD_SEALS, kSeals) == 0;
}

}  // namespace

bool PublishedServices::publish(std::string_view text) {
  const int fd = create_memory_file();
  if (fd < 0) return false;
  if (write_all(fd, text) != 0 || !seal(fd)) {
    ::close(fd);
    return false;
  }
  // The old one goes when the new one is whole: there is always one to be read.
  const int old = std::exchange(fd_, fd);
  if (old >= 0) ::close(old);
  return true;
}

void PublishedServices::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
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
