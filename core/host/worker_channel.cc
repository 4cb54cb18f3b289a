#include "core/host/worker_channel.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "core/base/memory_file.h"
#include "core/socket/passing.h"

namespace polyport {

namespace {

constexpr std::size_t kMostPacketBytes = 32 * 1024;
constexpr std::size_t kMostBodyBytes = 64 * 1024 * 1024;
// Behind the word: the body is in the packet, or in the last descriptor.
constexpr char kHere = '\n';
constexpr char kInFile = '@';

int duplicate(int fd) {
  return ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

// The text of a memory file. Nothing where it is none, or larger than anything we would send.
std::optional<std::string> read_file(int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
  if (facts.st_size < 0 || static_cast<std::size_t>(facts.st_size) > kMostBodyBytes) {
    return std::nullopt;
  }
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  std::size_t read = 0;
  while (read < text.size()) {
    const ssize_t got =
        ::pread(fd, text.data() + read, text.size() - read, static_cast<off_t>(read));
    if (got == 0 || (got < 0 && errno != EINTR)) return std::nullopt;
    if (got > 0) read += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace

WorkerChannel::WorkerChannel(Loop& loop, int fd, Events events)
    : fd_(fd),
      events_(std::move(events)),
      watch_(std::make_unique<FdWatch>(loop, fd, [this](std::uint8_t) { ready(); })),
      buffer_(std::make_unique<char[]>(kMostPacketBytes)) {
  watch_->set(FdWatch::kRead);
}

WorkerChannel::~WorkerChannel() {
  *gone_ = true;
  watch_.reset();
  ::close(fd_);
  for (Packet& packet : queue_)
    close_all(packet.descriptors);
}

void WorkerChannel::close_all(std::vector<int>& descriptors) {
  for (const int fd : descriptors)
    ::close(fd);
  descriptors.clear();
}

// --- sending -------------------------------------------------------------------------------------

void WorkerChannel::send(std::string_view word, std::string_view body,
                         std::span<const int> descriptors) {
  // One place is kept for the body.
  while (descriptors.size() >= sock::kMostPassed) {
    Packet ahead{.bytes = std::string(kSockets) + kHere, .descriptors = {}};
    for (const int fd : descriptors.first(sock::kMostPassed))
      ahead.descriptors.push_back(duplicate(fd));
    descriptors = descriptors.subspan(sock::kMostPassed);
    enqueue(std::move(ahead));
  }
  Packet packet{.bytes = std::string(word), .descriptors = {}};
  for (const int fd : descriptors)
    packet.descriptors.push_back(duplicate(fd));
  if (packet.bytes.size() + 1 + body.size() <= kMostPacketBytes) {
    (packet.bytes += kHere) += body;
  } else {
    const auto file = MemoryFile::make("polyport-message", body);
    packet.bytes += kInFile;
    packet.descriptors.push_back(file ? duplicate(file->descriptor()) : -1);
  }
  enqueue(std::move(packet));
}

void WorkerChannel::enqueue(Packet packet) {
  const auto& all = packet.descriptors;
  unsendable_ = unsendable_ || std::find(all.begin(), all.end(), -1) != all.end();
  queue_.push_back(std::move(packet));
  flush();
}

void WorkerChannel::flush() {
  while (!queue_.empty() && !unsendable_) {
    Packet& packet = queue_.front();
    const std::ptrdiff_t sent = sock::send_message(fd_, packet.bytes, packet.descriptors);
    if (sent == -EAGAIN) break;
    if (sent < 0) {
      unsendable_ = true;
      break;
    }
    close_all(packet.descriptors);
    queue_.pop_front();
  }
  // Of one that is broken the end comes from the loop: a socket can be written to, or is gone.
  const bool more = !queue_.empty() || unsendable_;
  watch_->set(more ? FdWatch::kRead | FdWatch::kWrite : FdWatch::kRead);
}

// --- receiving -----------------------------------------------------------------------------------

void WorkerChannel::ready() {
  constexpr int kMostAtOnce = 64;
  const std::shared_ptr<bool> gone = gone_;
  for (int i = 0; i < kMostAtOnce && !*gone && receive(); ++i) {
  }
  if (*gone) return;
  if (!ended_ && !unsendable_) flush();
  if (ended_ || unsendable_) end();
}

bool WorkerChannel::receive() {
  Message message;
  const std::ptrdiff_t got =
      sock::receive_message(fd_, buffer_.get(), kMostPacketBytes, message.descriptors);
  if (got == -EAGAIN) return false;
  const std::string_view bytes(buffer_.get(), got > 0 ? static_cast<std::size_t>(got) : 0);
  const std::size_t end_of_word = bytes.find_first_of("\n@");
  if (end_of_word == std::string_view::npos) {
    close_all(message.descriptors);
    ended_ = true;
    return false;
  }
  message.word = bytes.substr(0, end_of_word);
  message.body = bytes.substr(end_of_word + 1);
  if (bytes[end_of_word] == kInFile) {
    std::optional<std::string> text;
    if (!message.descriptors.empty()) {
      text = read_file(message.descriptors.back());
      ::close(message.descriptors.back());
      message.descriptors.pop_back();
    }
    if (!text) {
      close_all(message.descriptors);
      ended_ = true;
      return false;
    }
    message.body = std::move(*text);
  }
  // From a copy: it may destroy this object.
  const auto on_message = events_.on_message;
  on_message(std::move(message));
  return true;
}

void WorkerChannel::end() {
  if (const auto on_end = std::exchange(events_.on_end, nullptr)) {
    watch_->set(FdWatch::kNone);
    on_end();
  }
}

}  // namespace polyport
