// DiskStore: history that outlives the process, in one SQLite file.
//
// The newest messages of each room are in memory as well, so that those who come in do not wait for
// the disk; what is older is read by the thread of the file (history_thread). Messages are told at
// once and written behind, many in one transaction; `kept` follows when theirs has ended. Durable,
// that is when they are on the disk itself, and they are told and in memory only then.
//
// What cannot be written is told nevertheless, and soon forgotten: `kept` is false, and everybody
// hears when that begins and when it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "services/chat/history_thread.h"
#include "services/chat/memory_store.h"

namespace polyport::services::chat {

class DiskStore final : public Store, private HistoryThread::Listener {
 public:
  struct Settings {
    HistoryFile::Settings file;
    MemoryStore::Limits recent;  // what is in memory as well
    HistoryThread::Limits thread = {};
  };
  // Something that everybody should know: `error` where it is bad news. On the loop.
  using Tell = std::function<void(std::string_view text, const Error* error)>;

  // Opens the file and reads what memory holds of it; blocks. The clock must outlive the store.
  static Result<std::unique_ptr<DiskStore>> open(Loop& loop, const Clock& clock,
                                                 const Settings& settings, Tell tell);
  ~DiskStore() override;  // writes what waits, and calls nobody

  bool tells_when_kept() const override { return durable_; }
  bool takes_more() const override { return !durable_ || thread_->takes_more(); }
  void append(const Message& message, Kept kept) override;
  void read(const HistoryQuestion& question, std::function<void(Page)> answer) override;

  // The highest id that was in the file when it was opened.
  MessageId last_id() const { return last_id_; }
  // What is wrong with it now; empty: nothing.
  const std::string& trouble() const { return trouble_; }

 private:
  struct Asked {
    HistoryQuestion question;
    std::function<void(Page)> answer;
  };
  // Working again is believed only after this time: a disk that is nearly full does both in turn.
  static constexpr std::uint64_t kBelievedAfterMs = 5'000;

  DiskStore(const Clock& clock, const Settings& settings, Tell tell);
  Result<void> load(HistoryFile& file, const MemoryStore::Limits& limits);

  void on_written(const Result<void>& result) override;
  void on_kept(std::size_t ticket, const Message& message, bool kept) override;
  void on_page(std::size_t ticket, Result<Page> page) override;

  Page recent_page(const HistoryQuestion& question);
  Page with_newer(const HistoryQuestion& question, Page page);
  void note_failure(const Error& error);
  void note_success();

  const Clock& clock_;
  MemoryStore recent_;
  const bool durable_;
  Tell tell_;
  MessageId last_id_;
  std::unordered_map<std::size_t, Kept> waiting_;  // to hear that it is kept
  std::unordered_map<std::size_t, Asked> asked_;
  std::size_t tickets_ = 0;
  std::string trouble_;
  std::uint64_t failed_ms_ = 0;  // steady; of the last failure
  std::uint64_t lost_ = 0;       // messages since the trouble began
  bool unreadable_ = false;
  std::unique_ptr<HistoryThread> thread_;  // the last to come, the first to go
};

}  // namespace polyport::services::chat
