#include "app/ready.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "app/status_json.h"

namespace polyport {

int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t taken = ::write(fd, bytes.data(), bytes.size());
    if (taken >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(taken));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

namespace {

Result<void> cannot_write(std::string where, int error) {
  return failure(ErrorCode::kSystem,
                 std::string("cannot write the ready line: ") + std::strerror(error),
                 std::move(where));
}

}  // namespace

std::string ready_line(const HostView& host) {
  std::string line;
  JsonWriter json(line);
  json.begin_object();
  json.field("event", "ready");
  json.field("pid", ::getpid());
  json.key("services");
  write_services(json, host.services());
  write_workers(json, host.workers());
  json.end_object();
  line += '\n';
  return line;
}

Result<void> write_ready_fd(int fd, std::string_view line) {
  const int error = write_all(fd, line);
  if (fd > STDERR_FILENO) ::close(fd);
  if (error != 0) return cannot_write("--ready-fd " + std::to_string(fd), error);
  return {};
}

Result<void> write_ready_file(const std::string& path, std::string_view line) {
  const std::string unfinished = path + "." + std::to_string(::getpid());
  const int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return cannot_write(path, errno);
  int error = write_all(fd, line);
  ::close(fd);
  if (error == 0 && std::rename(unfinished.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return {};
  ::unlink(unfinished.c_str());
  return cannot_write(path, error);
}

}  // namespace polyport
