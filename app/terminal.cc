#include "app/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "core/observe/own_output.h"

namespace polyport {
namespace {

constexpr std::size_t kMostWaiting = 256 * 1024;
// Where poll reports room, even a blocking pipe takes this much without waiting.
constexpr std::size_t kPiece = 4096;

}  // namespace

Terminal::Terminal(Loop& loop, int fd) : fd_(own_output(fd)), retry_(loop, [this] { flush(); }) {}

Terminal::~Terminal() {
  flush();
  if (fd_ >= 0) ::close(fd_);
}

void Terminal::write(std::string_view lines) {
  if (waiting_.size() + lines.size() > kMostWaiting) {
    left_out_ += static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
    return;
  }
  if (left_out_ != 0) {
    waiting_ += "(" + std::to_string(left_out_) + " lines left out)\n";
    left_out_ = 0;
  }
  waiting_ += lines;
  flush();
}

void Terminal::flush() {
  while (!waiting_.empty()) {
    pollfd entry{fd_, POLLOUT, 0};
    if (::poll(&entry, 1, 0) <= 0) {
      retry_.start(std::chrono::milliseconds(100));
      return;
    }
    const ssize_t taken = ::write(fd_, waiting_.data(), std::min(waiting_.size(), kPiece));
    if (taken >= 0) {
      waiting_.erase(0, static_cast<std::size_t>(taken));
    } else if (errno == EAGAIN) {
      retry_.start(std::chrono::milliseconds(100));
      return;
    } else if (errno != EINTR) {
      waiting_.clear();  // nobody will ever read it
    }
  }
}

bool Terminal::is_terminal(int fd) {
  return ::isatty(fd) == 1;
}

Paint Terminal::paint(int fd) {
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const kind = std::getenv("TERM");
  const bool refused = (no_colour != nullptr && *no_colour != '\0') ||
                       (kind != nullptr && std::string_view(kind) == "dumb");
  return is_terminal(fd) && !refused ? Paint::kColour : Paint::kPlain;
}

}  // namespace polyport
