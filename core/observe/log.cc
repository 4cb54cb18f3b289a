// The log over spdlog: its bounded queue and its one worker thread. What a line looks like is
// log_line.cc's; how bytes reach a reader that may have stopped is Target's.
#include "core/observe/log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "core/base/text.h"
#include "core/observe/log_line.h"
#include "core/observe/own_output.h"

namespace polyport {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kQueuedLines = 8192;
constexpr milliseconds kFlushLimit{1000};

// Where lines end. Lives on the worker's thread, except for the counters.
//
// It never waits in write(), where nothing could end the wait: it asks poll first, and where poll
// reports room a pipe takes 4 KiB at once, a terminal what it can (see own_output).
class Target final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit Target(int fd) : fd_(fd) {}
  ~Target() override { ::close(fd_); }

  // From any thread: from now on nothing waits for the reader.
  void abandon() { abandoned_.store(true, std::memory_order_relaxed); }

  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  // Waits until `enough()` holds; asked again after every line.
  template <class Enough>
  void wait(Enough enough) {
    std::unique_lock lock(mutex_);
    progress_.wait_for(lock, kFlushLimit, [&] { return enough(handled_); });
  }

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    if (!write_all({line.payload.data(), line.payload.size()})) {
      lost_.fetch_add(1, std::memory_order_relaxed);
    }
    const std::lock_guard lock(mutex_);
    ++handled_;
    progress_.notify_all();
  }
  void flush_() override {}

  bool write_all(std::string_view bytes) {
    constexpr std::size_t kPiece = 4096;
    while (!bytes.empty()) {
      if (!wait_for_room()) return false;
      const ssize_t taken = ::write(fd_, bytes.data(), std::min(bytes.size(), kPiece));
      if (taken >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(taken));
      } else if (errno != EINTR && errno != EAGAIN) {
        return false;  // closed, or the disk is full: this line is lost, the next may not be
      }
    }
    return true;
  }

  bool wait_for_room() {
    constexpr int kLookUpMs = 100;
    while (!abandoned_.load(std::memory_order_relaxed)) {
      pollfd entry{fd_, POLLOUT, 0};
      if (::poll(&entry, 1, kLookUpMs) > 0) return true;
    }
    return false;
  }

  const int fd_;
  std::atomic<bool> abandoned_{false};
  std::atomic<std::uint64_t> lost_{0};
  std::mutex mutex_;
  std::condition_variable progress_;
  std::uint64_t handled_ = 0;
};

// Signals belong to the loop's thread, and a write into a closed pipe is an error, not an end.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

class QueuedLog final : public Log {
 public:
  QueuedLog(const Options& options, int fd)
      : Log(options.level),
        format_(options.format),
        worker_(options.worker),
        target_(std::make_shared<Target>(fd)),
        pool_(std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1, block_signals)),
        logger_(std::make_shared<spdlog::async_logger>(
            "polyport", target_, pool_, spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_level(spdlog::level::trace);  // Log has filtered already
  }

  ~QueuedLog() override {
    flush();
    target_->abandon();
    // The pool first: it joins the worker, which waits for nobody now. The other way round the
    // worker may be the one to delete the logger.
    pool_.reset();
    logger_.reset();
  }

  std::uint64_t dropped() const override { return pool_->overrun_counter() + target_->lost(); }

  void flush() override {
    const std::uint64_t written = written_.load(std::memory_order_relaxed);
    target_->wait(
        [&](std::uint64_t handled) { return handled + pool_->overrun_counter() >= written; });
  }

 private:
  void emit(LogLevel level, const LogLine& line) override {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const std::string text = format_log_line(format_, level, line, now, worker_);
    written_.fetch_add(1, std::memory_order_relaxed);
    logger_->log(spdlog::level::info, spdlog::string_view_t(text.data(), text.size()));
  }

  const Format format_;
  const std::string worker_;
  std::atomic<std::uint64_t> written_{0};
  std::shared_ptr<Target> target_;  // spdlog's own terms: it shares everything
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

class SilentLog final : public Log {
 public:
  SilentLog() : Log(LogLevel::kOff) {}
};

int open_target(const std::string& target) {
  if (target == "stderr") return own_output(STDERR_FILENO);
  if (target == "stdout") return own_output(STDOUT_FILENO);
  // Non-blocking, because opening a FIFO without a reader would wait for one.
  return ::open(target.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
}

}  // namespace

Result<std::unique_ptr<Log>> Log::open(const Options& options) {
  const int fd = open_target(options.target);
  if (fd < 0) {
    const int error = errno;
    const bool denied = error == EACCES || error == EPERM || error == EROFS;
    return failure(denied ? ErrorCode::kNotPermitted : ErrorCode::kSystem,
                   std::string("cannot open the log: ") + std::strerror(error),
                   printable(options.target),
                   error == ENXIO ? "it is a pipe that nobody reads"
                                  : "log_target is \"stderr\", \"stdout\" or a path");
  }
  return std::make_unique<QueuedLog>(options, fd);
}

std::unique_ptr<Log> Log::silent() {
  return std::make_unique<SilentLog>();
}

}  // namespace polyport
