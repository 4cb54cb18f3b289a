// The standard streams, in pieces that do not wait.
#include "app/commands/connect/console.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace polyport {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
// A pipe that poll() calls writable takes this much without waiting.
constexpr std::size_t kWriteBytes = PIPE_BUF;

}  // namespace

void Input::read_into(std::string& bytes) {
  std::array<char, kReadBytes> buffer;
  const ssize_t size = ::read(0, buffer.data(), buffer.size());
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (size <= 0) {  // an input that fails is an input that has ended
    ended_ = true;
    return;
  }
  const Bytes read(buffer.data(), static_cast<std::size_t>(size));
  if (line_ends_ == LineEnds::kAsTyped) {
    bytes += read;
    return;
  }
  for (const char letter : read) {
    if (letter == '\n' && last_ != '\r') bytes += '\r';
    bytes += letter;
    last_ = letter;
  }
}

bool Input::is_terminal() {
  return ::isatty(0) == 1;
}

void Output::add(Bytes bytes) {
  if (!pending()) {
    waiting_.clear();
    written_ = 0;
  }
  if (form_ == Form::kRaw) {
    waiting_ += bytes;
  } else {
    dump_.add(bytes, waiting_);
  }
}

void Output::pause() {
  dump_.flush(waiting_);
}

void Output::write_some() {
  const std::size_t size = std::min(kWriteBytes, waiting_.size() - written_);
  const ssize_t result = ::write(descriptor(), waiting_.data() + written_, size);
  if (result >= 0) {
    written_ += static_cast<std::size_t>(result);
  } else if (errno != EINTR && errno != EAGAIN) {
    error_ = errno;
  }
}

void say(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = ::write(2, lines.data(), lines.size());
    if (written < 0 && errno != EINTR) return;  // there is nobody left to tell
    if (written > 0) lines.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace polyport
