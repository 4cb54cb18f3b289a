#include "core/net/resolver.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "core/base/text.h"
#include "core/base/units.h"
#include "core/loop/signals_held.h"

namespace polyport {

namespace {

Result<HostAddresses> ask_this_machine(const std::string& host, Families families) {
  return look_up(host, families);
}

}  // namespace

// One look-up and its thread. Two own it, the resolver and the thread; whoever is done with it last
// deletes it.
struct Resolver::Job {
  std::string host;
  Families families;
  LookUp look_up;

  std::mutex mutex;              // of what follows
  Resolver* resolver = nullptr;  // null: nobody waits any more
  std::optional<Result<HostAddresses>> result;

  static void run(Job* job) {
    auto result = job->look_up(job->host, job->families);
    {
      const std::lock_guard lock(job->mutex);
      if (job->resolver != nullptr) {
        job->result = std::move(result);
        job->resolver->wakeup_.wake();  // still there: its end takes this lock first
        return;
      }
    }
    delete job;
  }
};

Resolver::Resolver(Loop& loop, Options options)
    : loop_(loop),
      options_(options),
      wakeup_(loop, [this] { collect(); }),
      timer_(loop, [this] { give_up(); }) {
  if (options_.look_up == nullptr) options_.look_up = ask_this_machine;
}

Resolver::~Resolver() {
  for (Job* job : jobs_) {
    bool ours = false;
    {
      const std::lock_guard lock(job->mutex);
      ours = job->result.has_value();
      job->resolver = nullptr;
    }
    if (ours) delete job;
  }
}

Resolver::Id Resolver::ask(std::string host, Answer answer) {
  const Id id = ++last_id_;
  const auto most = static_cast<std::uint64_t>(options_.timeout.count());
  questions_.push_back({id, std::move(host), std::move(answer), loop_.now_ms() + most});
  start_jobs();
  arm();
  return id;
}

void Resolver::cancel(Id id) {
  std::erase_if(questions_, [id](const Question& question) { return question.id == id; });
  arm();
}

bool Resolver::is_asked(const std::string& host) const {
  return std::any_of(jobs_.begin(), jobs_.end(), [&](const Job* job) { return job->host == host; });
}

void Resolver::start_jobs() {
  for (const Question& question : questions_) {
    if (jobs_.size() >= options_.most_threads) return;
    if (!is_asked(question.host) && !start_job(question.host)) return;
  }
}

bool Resolver::start_job(const std::string& host) {
  auto job = std::make_unique<Job>();
  job->host = host;
  job->families = probe_families();
  job->look_up = options_.look_up;
  job->resolver = this;
  try {
    const SignalsHeld held;
    std::thread(Job::run, job.get()).detach();
  } catch (const std::system_error&) {
    return false;  // the question stays, and is late in the end
  }
  jobs_.push_back(job.release());
  return true;
}

void Resolver::collect() {
  std::vector<std::unique_ptr<Job>> done;
  std::erase_if(jobs_, [&](Job* job) {
    const std::lock_guard lock(job->mutex);
    if (!job->result) return false;
    done.emplace_back(job);
    return true;
  });
  for (const auto& job : done)
    tell(job->host, *job->result);
  start_jobs();
  arm();
}

// Whoever is answered may ask again: that question is a new one, and not answered here.
void Resolver::tell(const std::string& host, const Result<HostAddresses>& result) {
  const Id last = last_id_;
  for (;;) {
    const auto next = std::find_if(
        questions_.begin(), questions_.end(),
        [&](const Question& question) { return question.id <= last && question.host == host; });
    if (next == questions_.end()) return;
    const Answer answer = std::move(next->answer);
    questions_.erase(next);
    answer(result);
  }
}

void Resolver::give_up() {
  // An answer that lies here already is not late, however long the loop stood still.
  collect();
  const std::uint64_t now = loop_.now_ms();
  while (!questions_.empty() && questions_.front().deadline_ms <= now) {
    const Question late = std::move(questions_.front());
    questions_.pop_front();
    late.answer(failure(ErrorCode::kNotFound,
                        "no name server answered for " + quoted(late.host, 60) + " within " +
                            format_duration(options_.timeout),
                        {}, "see /etc/resolv.conf, or write the address itself"));
  }
  arm();
}

void Resolver::arm() {
  if (questions_.empty()) {
    timer_.stop();
    return;
  }
  const std::uint64_t now = loop_.now_ms();
  const std::uint64_t first = questions_.front().deadline_ms;
  timer_.start(std::chrono::milliseconds(first > now ? first - now : 0));
}

}  // namespace polyport
