#include "services/chat/disk_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "services/chat/clock.h"

namespace polyport::services::chat {

Result<std::unique_ptr<DiskStore>> DiskStore::open(Loop& loop, const Clock& clock,
                                                   const Settings& settings, Tell tell) {
  auto file = HistoryFile::open(settings.file);
  if (!file) return tl::unexpected(std::move(file.error()));
  std::unique_ptr<DiskStore> store(new DiskStore(clock, settings, std::move(tell)));
  if (auto loaded = store->load(*file, settings.recent); !loaded) {
    return tl::unexpected(std::move(loaded.error()));
  }
  HistoryThread::Listener& listener = *store;
  store->thread_ =
      std::make_unique<HistoryThread>(loop, listener, std::move(*file), settings.thread);
  return store;
}

DiskStore::DiskStore(const Clock& clock, const Settings& settings, Tell tell)
    : clock_(clock),
      recent_(clock, settings.recent),
      durable_(settings.file.durable),
      tell_(std::move(tell)) {}

DiskStore::~DiskStore() = default;

// The rooms where something was said last come first, and three quarters of the memory are filled.
Result<void> DiskStore::load(HistoryFile& file, const MemoryStore::Limits& limits) {
  const auto last = file.last_id();
  if (!last) return tl::unexpected(last.error());
  last_id_ = *last;
  const auto rooms = file.rooms();
  if (!rooms) return tl::unexpected(rooms.error());
  std::size_t count = 0;
  for (const std::string& room : *rooms) {
    if (++count > limits.rooms || recent_.bytes() > limits.bytes / 4 * 3) {
      recent_.mark_others_cut();
      break;
    }
    const HistoryQuestion question{.room = room, .most = limits.messages};
    const auto page = file.read(question, clock_.wall_ms());
    if (!page) return tl::unexpected(page.error());
    for (const Message& message : page->messages)
      recent_.append(message, {});
    if (page->more) recent_.mark_cut(room);
  }
  return {};
}

// --- writing -------------------------------------------------------------------------------------

void DiskStore::append(const Message& message, Kept kept) {
  if (!durable_) recent_.append(message, {});
  const std::size_t ticket = ++tickets_;
  if (kept) waiting_.emplace(ticket, std::move(kept));
  if (thread_->append(message, ticket, clock_.wall_ms())) return;
  note_failure({ErrorCode::kSystem, "the disk is too slow, too much waits to be written", {}, {}});
  on_kept(ticket, message, false);
}

void DiskStore::on_written(const Result<void>& result) {
  if (result) {
    note_success();
  } else {
    note_failure(result.error());
  }
}

void DiskStore::on_kept(std::size_t ticket, const Message& message, bool kept) {
  if (durable_) recent_.append(message, {});
  if (!kept) ++lost_;
  const auto waiting = waiting_.extract(ticket);
  if (!waiting.empty()) waiting.mapped()(message, kept);
}

void DiskStore::note_failure(const Error& error) {
  failed_ms_ = clock_.steady_ms();
  if (!trouble_.empty()) return;
  trouble_ = "history cannot be written: " + error.what;
  tell_(trouble_ + "; what is said now is not kept", &error);
}

void DiskStore::note_success() {
  if (trouble_.empty() || clock_.steady_ms() < failed_ms_ + kBelievedAfterMs) return;
  trouble_.clear();
  const std::uint64_t lost = std::exchange(lost_, 0);
  tell_("history is written again; " + std::to_string(lost) +
            (lost == 1 ? " message was not kept" : " messages were not kept"),
        nullptr);
}

// --- reading -------------------------------------------------------------------------------------

void DiskStore::read(const HistoryQuestion& question, std::function<void(Page)> answer) {
  const bool may_lack = recent_.may_lack(question);
  Page page = recent_page(question);
  if (!may_lack || page.messages.size() >= question.most) return answer(std::move(page));
  const std::size_t ticket = ++tickets_;
  if (!thread_->read(question, ticket, clock_.wall_ms())) return answer(std::move(page));
  asked_.emplace(ticket, Asked{question, std::move(answer)});
}

Page DiskStore::recent_page(const HistoryQuestion& question) {
  const bool may_lack = recent_.may_lack(question);
  Page page = recent_.page(question);
  page.more = page.more || may_lack;
  return page;
}

void DiskStore::on_page(std::size_t ticket, Result<Page> result) {
  auto found = asked_.extract(ticket);
  if (found.empty()) return;
  Asked& asked = found.mapped();
  if (!result) {
    if (!unreadable_) tell_("history cannot be read: " + result.error().what, &result.error());
    unreadable_ = true;
    return asked.answer(recent_page(asked.question));
  }
  unreadable_ = false;
  asked.answer(with_newer(asked.question, std::move(*result)));
}

// What was told while the file was read, and may not have been in it.
Page DiskStore::with_newer(const HistoryQuestion& question, Page page) {
  if (question.which == HistoryQuestion::Which::kBefore) return page;
  const HistoryQuestion after{.room = question.room,
                              .which = HistoryQuestion::Which::kAfter,
                              .id = page.messages.empty() ? question.id : page.messages.back().id,
                              .most = question.most};
  Page newer = recent_page(after);
  if (newer.messages.empty()) return page;
  // So much that memory holds only the end of it.
  if (newer.more && !page.messages.empty()) return newer;
  page.more = page.more || newer.more;
  std::move(newer.messages.begin(), newer.messages.end(), std::back_inserter(page.messages));
  keep_newest(page, question.most);
  return page;
}

}  // namespace polyport::services::chat
