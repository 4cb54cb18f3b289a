#include "app/commands/measure/watcher.h"

#include <chrono>
#include <utility>

#include "app/http_get.h"

namespace polyport::measure {
namespace {

constexpr std::chrono::milliseconds kEvery{250};
constexpr std::chrono::milliseconds kPatience{15'000};

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? -1 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Result<LoadSample> ask(const std::string& target) {
  const auto page = http_get(target, "/api/v1/load", kPatience);
  if (!page) return tl::unexpected(page.error());
  if (page->status != 200) {
    return failure(ErrorCode::kSystem, "the answer has status " + std::to_string(page->status));
  }
  return LoadSample::parse(page->body);
}

void Seen::add(const LoadSample& sample) {
  if (share(sample.queue, sample.queue_limit) > share(queue, queue_limit)) {
    fullest = sample.fullest;
    queue = sample.queue;
    queue_limit = sample.queue_limit;
  }
  for (const auto& [connection, times] : sample.sent_again) {
    const auto found = before_.find(connection);
    // Of one that may have been there without being looked at nobody knows since when it has these.
    if (found == before_.end() && !before_was_all_) continue;
    const std::uint64_t had = found == before_.end() ? 0 : found->second;
    ++looks;
    if (times > had) ++lossy_looks;
  }
  remember(sample);
}

void Seen::remember(const LoadSample& sample) {
  before_ = sample.sent_again;
  before_was_all_ = sample.sent_again_all;
}

Watcher::Watcher(std::string target, const LoadSample& before)
    : target_(std::move(target)), seen_(before), thread_([this] { run(); }) {}

Watcher::~Watcher() {
  stop();
}

void Watcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watcher::run() {
  std::unique_lock lock(mutex_);
  while (!over_) {
    lock.unlock();
    const auto sample = ask(target_);
    if (sample) seen_.add(*sample);
    lock.lock();
    wake_.wait_for(lock, kEvery, [this] { return over_; });
  }
}

}  // namespace polyport::measure
