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
// Descriptors beyond what one packet takes: those of the message behind it.
constexpr std::string_view kAhead = "ahead";

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
  close_all(ahead_);
}

void WorkerChannel::close_all(std::vector<int>& descriptors) {
  for (const int fd : descriptors)
    ::close(fd);
  descriptors.clear();
}

// --- sending -------------------------------------------------------------------------------------

WorkerChannel::Packet WorkerChannel::packet_of(std::string_view word,
                                               std::span<const int> descriptors) {
  Packet packet{.bytes = std::string(word), .descriptors = {}};
  for (const int fd : descriptors)
    packet.descriptors.push_back(duplicate(fd));
  return packet;
}

void WorkerChannel::send(std::string_view word, std::string_view body,
                         std::span<const int> descriptors) {
  if (try_send(word, body, descriptors)) return;
  unsendable_ = true;
  flush();
}

bool WorkerChannel::try_send(std::string_view word, std::string_view body,
                             std::span<const int> descriptors) {
  if (over_ || unsendable_) return true;  // nobody hears it
  std::vector<Packet> packets;
  // One place is kept for the body.
  while (descriptors.size() >= sock::kMostPassed) {
    packets.push_back(packet_of(kAhead, descriptors.first(sock::kMostPassed)));
    packets.back().bytes += kHere;
    descriptors = descriptors.subspan(sock::kMostPassed);
  }
  Packet& last = packets.emplace_back(packet_of(word, descriptors));
  if (last.bytes.size() + 1 + body.size() <= kMostPacketBytes) {
    (last.bytes += kHere) += body;
  } else {
    const auto file = MemoryFile::make("polyport-message", body);
    last.bytes += kInFile;
    last.descriptors.push_back(file ? duplicate(file->descriptor()) : -1);
  }
  const bool made = std::none_of(packets.begin(), packets.end(), [](const Packet& packet) {
    const auto& all = packet.descriptors;
    return std::find(all.begin(), all.end(), -1) != all.end();
  });
  for (Packet& packet : packets) {
    if (made) {
      queue_.push_back(std::move(packet));
    } else {
      close_all(packet.descriptors);
    }
  }
  if (made) flush();
  return made;
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
  bool lost = false;
  const std::ptrdiff_t got =
      sock::receive_message(fd_, buffer_.get(), kMostPacketBytes, message.descriptors, lost);
  if (got == -EAGAIN) return false;
  const std::string_view bytes(buffer_.get(), got > 0 ? static_cast<std::size_t>(got) : 0);
  const std::size_t end_of_word = bytes.find_first_of("\n@");
  if (end_of_word == std::string_view::npos) {
    close_all(message.descriptors);
    ended_ = true;
    return false;
  }
  message.word = bytes.substr(0, end_of_word);
  lost_ = lost_ || lost;
  ahead_.insert(ahead_.end(), message.descriptors.begin(), message.descriptors.end());
  message.descriptors.clear();
  if (lost_) close_all(ahead_);  // some of them are of no use
  if (message.word == kAhead) return true;
  message.descriptors = std::exchange(ahead_, {});
  if (!std::exchange(lost_, false)) return deliver(std::move(message), bytes, end_of_word);
  const auto on_lost = events_.on_lost;
  if (on_lost) on_lost(message.word);
  return true;
}

bool WorkerChannel::deliver(Message message, std::string_view bytes, std::size_t end_of_word) {
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
  if (std::exchange(over_, true)) return;
  watch_->set(FdWatch::kNone);
  // From a copy, as above.
  if (const auto on_end = events_.on_end) on_end();
}

}  // namespace polyport
