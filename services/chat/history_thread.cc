#include "services/chat/history_thread.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/loop/signals_held.h"
#include "core/loop/wakeup.h"

namespace polyport::services::chat {
namespace {

// Each may be told to thousands; the rest comes in the loop's next round.
constexpr std::size_t kDeliveredAtOnce = 64;

// More than max_line, nick_length and room_length allow.
constexpr std::size_t kMostBytesOfMessage = 128 * 1024;

struct Request {
  std::size_t ticket = 0;
  std::uint64_t now_ms = 0;
  Message message;                          // to be written,
  std::optional<HistoryQuestion> question;  // or this is asked
};

struct Done {
  std::optional<Result<void>> written;  // before the first message of a transaction
  std::size_t ticket = 0;
  Message message;
  bool kept = false;
  std::optional<Result<Page>> page;
};

}  // namespace

struct HistoryThread::Shared {
  Shared(Listener& to, HistoryFile opened, const Limits& most)
      : listener(to), limits(most), file(std::move(opened)) {}

  Listener& listener;
  const Limits limits;
  std::optional<HistoryFile> file;  // the thread's; closed by it at its end

  std::mutex mutex;  // of what follows
  std::condition_variable changed;
  std::deque<Request> requests;
  std::deque<Done> done;
  std::unique_ptr<Wakeup> wakeup;  // null: nobody is there to be woken any more
  bool ending = false;
  bool given_up = false;  // nothing more is to be written
  bool ended = false;

  // The loop's: what has been taken and is not answered yet.
  std::size_t messages = 0;
  std::size_t bytes = 0;
  std::size_t questions = 0;

  void run();
  std::vector<Request> next_group();  // under the lock
  std::deque<Done> work(std::vector<Request> group);
  std::deque<Done> write(std::vector<Request> group);
};

HistoryThread::HistoryThread(Loop& loop, Listener& listener, HistoryFile file, const Limits& limits)
    : shared_(std::make_shared<Shared>(listener, std::move(file), limits)) {
  shared_->wakeup = std::make_unique<Wakeup>(loop, [this] { deliver(); });
  const SignalsHeld held;
  std::thread([shared = shared_] { shared->run(); }).detach();
}

HistoryThread::~HistoryThread() {
  Shared& shared = *shared_;
  std::unique_lock lock(shared.mutex);
  shared.wakeup.reset();
  shared.ending = true;
  shared.changed.notify_all();
  shared.changed.wait_for(lock, shared.limits.patience, [&] { return shared.ended; });
  shared.given_up = true;
}

// --- on the loop ---------------------------------------------------------------------------------

bool HistoryThread::takes_more() const {
  const Shared& shared = *shared_;
  return shared.messages < shared.limits.messages &&
         shared.bytes + kMostBytesOfMessage <= shared.limits.bytes;
}

bool HistoryThread::append(const Message& message, std::size_t ticket, std::uint64_t now_ms) {
  Shared& shared = *shared_;
  const std::size_t bytes = cost(message);
  if (shared.messages >= shared.limits.messages || shared.bytes + bytes > shared.limits.bytes) {
    return false;
  }
  ++shared.messages;
  shared.bytes += bytes;
  {
    const std::lock_guard lock(shared.mutex);
    shared.requests.push_back({ticket, now_ms, message, std::nullopt});
  }
  shared.changed.notify_one();
  return true;
}

bool HistoryThread::read(const HistoryQuestion& question, std::size_t ticket,
                         std::uint64_t now_ms) {
  Shared& shared = *shared_;
  if (shared.questions >= shared.limits.questions) return false;
  ++shared.questions;
  {
    const std::lock_guard lock(shared.mutex);
    shared.requests.push_back({ticket, now_ms, {}, question});
  }
  shared.changed.notify_one();
  return true;
}

void HistoryThread::deliver() {
  Shared& shared = *shared_;
  std::vector<Done> some;
  bool more = false;
  {
    const std::lock_guard lock(shared.mutex);
    while (!shared.done.empty() && some.size() < kDeliveredAtOnce) {
      some.push_back(std::move(shared.done.front()));
      shared.done.pop_front();
    }
    more = !shared.done.empty();
  }
  for (Done& done : some) {
    if (done.page) {
      --shared.questions;
      shared.listener.on_page(done.ticket, std::move(*done.page));
      continue;
    }
    --shared.messages;
    shared.bytes -= cost(done.message);
    if (done.written) shared.listener.on_written(*done.written);
    shared.listener.on_kept(done.ticket, done.message, done.kept);
  }
  if (more) shared.wakeup->wake();
}

// --- on the thread -------------------------------------------------------------------------------

void HistoryThread::Shared::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return ending || !requests.empty(); });
    if (requests.empty() || given_up) break;
    std::vector<Request> group = next_group();
    lock.unlock();
    const std::uint64_t now_ms = group.back().now_ms;
    const bool is_question = group.front().question.has_value();
    std::deque<Done> finished = work(std::move(group));
    lock.lock();
    for (Done& one : finished)
      done.push_back(std::move(one));
    if (wakeup) wakeup->wake();
    if (is_question || ending) continue;
    lock.unlock();
    // After the answer: nobody waits for this. What it cannot do now it can do the next time.
    (void)file->maintain(now_ms);
    lock.lock();
  }
  lock.unlock();
  file.reset();  // takes the log over into the file
  lock.lock();
  ended = true;
  changed.notify_all();
}

// A question alone, or all messages up to the next question.
std::vector<Request> HistoryThread::Shared::next_group() {
  std::vector<Request> group;
  std::size_t sum = 0;
  do {
    sum += cost(requests.front().message);
    group.push_back(std::move(requests.front()));
    requests.pop_front();
  } while (!group.front().question && !requests.empty() && !requests.front().question &&
           group.size() < limits.group && sum < limits.group_bytes);
  return group;
}

std::deque<Done> HistoryThread::Shared::work(std::vector<Request> group) {
  if (!group.front().question) return write(std::move(group));
  Request& asked = group.front();
  std::deque<Done> finished(1);
  finished.front().ticket = asked.ticket;
  finished.front().page = file->read(*asked.question, asked.now_ms);
  return finished;
}

std::deque<Done> HistoryThread::Shared::write(std::vector<Request> group) {
  std::vector<Message> all;
  all.reserve(group.size());
  for (Request& request : group)
    all.push_back(std::move(request.message));
  const Result<void> result = file->append(all);
  std::deque<Done> finished;
  for (std::size_t i = 0; i < group.size(); ++i) {
    Done& one = finished.emplace_back();
    if (i == 0) one.written = result;
    one.ticket = group[i].ticket;
    one.message = std::move(all[i]);
    one.kept = result.has_value();
  }
  return finished;
}

}  // namespace polyport::services::chat
