#include "core/observe/block_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "core/observe/own_output.h"

namespace polyport {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLastWait = std::chrono::seconds(1);
constexpr int kLookAgainMs = 100;

}  // namespace

struct BlockWriter::Shared {
  struct Block {
    std::string bytes;
    std::uint64_t lines = 0;
  };

  int fd = -1;
  bool pipe = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Block> pending;  // guarded, as the next three
  std::uint64_t dropped = 0;
  bool ending = false;
  Clock::time_point give_up{};  // of `ending`
  std::thread thread;

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return ending || !pending.empty(); });
      if (pending.empty()) return;
      Block block = std::move(pending.front());
      lock.unlock();
      const bool written = write(block.bytes);
      lock.lock();
      pending.pop_front();  // until now it counted as pending
      if (!written) dropped += block.lines;
    }
  }

  // False where it cannot be written: the disk is full, the reader is gone, or the end has come and
  // nobody reads.
  bool write(Bytes bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(fd, bytes.data(), piece_of(bytes));
      if (count > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(count));
      } else if (count < 0 && errno == EAGAIN) {
        pollfd writable{fd, POLLOUT, 0};
        ::poll(&writable, 1, kLookAgainMs);
        if (is_over()) return false;
      } else if (count < 0 && errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  // A pipe takes no more than that in one piece, and whole lines must go at once where other worker
  // processes write into it too.
  std::size_t piece_of(Bytes bytes) const {
    if (!pipe || bytes.size() <= PIPE_BUF) return bytes.size();
    const std::size_t end = bytes.substr(0, PIPE_BUF).rfind('\n');
    return end == Bytes::npos ? PIPE_BUF : end + 1;
  }

  bool is_over() {
    const std::lock_guard lock(mutex);
    return ending && Clock::now() > give_up;
  }
};

Result<std::unique_ptr<BlockWriter>> BlockWriter::open(const std::string& target) {
  int fd = -1;
  if (target == "stdout" || target == "stderr") {
    fd = own_output(target == "stdout" ? STDOUT_FILENO : STDERR_FILENO);
  } else {
    // A FIFO without a reader would hold up the start for ever.
    fd = ::open(target.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
  }
  if (fd < 0) {
    return tl::unexpected(
        Error{errno == EACCES ? ErrorCode::kNotPermitted : ErrorCode::kSystem,
              "cannot be written: " + std::string(std::strerror(errno)), target,
              "name a file in a directory that is there, \"stdout\" or \"stderr\""});
  }
  return std::unique_ptr<BlockWriter>(new BlockWriter(fd));
}

BlockWriter::BlockWriter(int fd) : shared_(std::make_unique<Shared>()) {
  shared_->fd = fd;
  struct stat facts {};
  shared_->pipe = ::fstat(fd, &facts) == 0 && S_ISFIFO(facts.st_mode);
  block_.reserve(kBlockBytes);
  shared_->thread = std::thread([shared = shared_.get()] { shared->run(); });
}

BlockWriter::~BlockWriter() {
  hand_over();
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ending = true;
    shared_->give_up = Clock::now() + kLastWait;
  }
  shared_->changed.notify_one();
  shared_->thread.join();
  ::close(shared_->fd);
}

bool BlockWriter::add(Bytes line) {
  if (block_.size() + line.size() > kBlockBytes) hand_over();
  block_.append(line.substr(0, kBlockBytes));
  return ++lines_ == 1;
}

void BlockWriter::hand_over() {
  if (block_.empty()) return;
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->pending.size() >= kMostPending) {
      shared_->dropped += lines_;
    } else {
      shared_->pending.push_back({std::move(block_), lines_});
    }
  }
  shared_->changed.notify_one();
  block_.clear();
  block_.reserve(kBlockBytes);
  lines_ = 0;
}

std::uint64_t BlockWriter::dropped() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->dropped;
}

}  // namespace polyport
