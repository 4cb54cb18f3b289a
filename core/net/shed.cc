// Shedding: Network's part that makes less of what is over its limit, queued bytes and memory.
//
// Who holds most goes first: with bytes queued that is a reader that does not read, with memory
// somebody whose message is large and half done. Looked for at the end of a turn, so what the
// kernel takes at once is never held against anybody.
#include <algorithm>

#include "core/net/network.h"

namespace polyport {

namespace {
constexpr std::size_t kWorthClosing = 4 * 1024;
constexpr std::uint64_t kLeavingMs = 50;     // until what has gone shows
constexpr std::uint64_t kTrimEveryMs = 250;  // it walks the whole heap
constexpr std::size_t kIdleAtATime = 64;
constexpr std::uint64_t kBurstMs = 1'000;
constexpr char kQueuedMessage[] = "max_queued is reached: the readers with most unread are closed";
constexpr char kMemoryMessage[] = "memory_limit is reached: those who hold most are closed";
constexpr char kServiceMessage[] =
    "memory_limit of the service is reached: its clients who hold most are closed";
}  // namespace

template <class Hold>
void Network::find_holders(Hold hold) {
  holders_.clear();
  table_.for_each([&](Connection& connection) {
    if ((connection.flags_ & Connection::kClosing) != 0) return;
    const std::size_t bytes = hold(connection);
    if (bytes > 0) holders_.push_back({bytes, connection.id()});
  });
  std::sort(holders_.begin(), holders_.end(),
            [](const Holder& a, const Holder& b) { return a.bytes > b.bytes; });
}

void Network::shed_queues() {
  QueueLedger& all = queues_.all();
  const bool process_over = all.wants_less();
  bool over = process_over;
  for (const ConnectionSource* source : sources_) {
    QueueLedger* const ledger = source->policy().queued;
    if (ledger != nullptr && ledger->wants_less()) over = true;
  }
  if (!over) return;
  find_holders([&](const Connection& connection) {
    const QueueLedger* const ledger = connection.source().policy().queued;
    const bool concerned = process_over || (ledger != nullptr && ledger->relieving);
    return concerned ? waiting_bytes(connection) : 0;
  });
  for (const Holder& holder : holders_) {
    Connection* const connection = table_.find(holder.id);
    if (connection == nullptr) continue;
    QueueLedger* const ledger = connection->source().policy().queued;
    const bool service_over = ledger != nullptr && ledger->wants_less();
    if (!all.wants_less() && !service_over) continue;
    tell_shed(kQueuedMessage, CloseReason::kLimitQueued, *connection);
    retire(*connection, CloseReason::kLimitQueued);
  }
}

// --- memory --------------------------------------------------------------------------------------

void Network::relieve_memory() {
  if (!memory_.is_near()) return;
  if (memory_freed_ || now_ms_ - memory_trimmed_ms_ >= kTrimEveryMs) {
    memory_freed_ = false;
    memory_trimmed_ms_ = now_ms_;
    MemoryWatch::trim();
    memory_.look_now();
  }
  if (!memory_.is_over()) return;
  if (now_ms_ - memory_shed_ms_ >= kLeavingMs) {
    memory_shed_ms_ = now_ms_;
    memory_leaving_ = 0;
  }
  const std::uint64_t too_much = memory_.bytes() - memory_.near_bytes();
  if (too_much > memory_leaving_) shed_memory(too_much - memory_leaving_);
}

std::size_t Network::held_bytes(const Connection& connection) const {
  std::size_t bytes = 0;
  if ((connection.flags_ & Connection::kHandshaking) == 0) {
    bytes += connection.handler().held_bytes(connection);
  }
  if ((connection.flags_ & Connection::kStaged) == 0) return bytes;
  for (const Stage* stage = connection.stages(); stage != nullptr; stage = stage->above())
    bytes += stage->held_bytes();
  return bytes + stages_of(connection).held.size();
}

// Ends it, with the last word that its handler may have for it.
void Network::let_go(Connection& connection, std::size_t bytes) {
  constexpr CloseReason kReason = CloseReason::kLimitMemory;
  if (connection.ending() || waiting_bytes(connection) * 2 >= bytes) {
    return retire(connection, kReason);  // it would not read a last word
  }
  const bool known = (connection.flags_ & Connection::kHandshaking) == 0;
  if (!known || connection.handler().held_bytes(connection) * 2 < bytes) {
    return connection.close(kReason);  // most of it lies in its stages
  }
  run_callback(connection,
               [&](StreamHandler& handler) { handler.on_deadline(connection, kReason); });
}

void Network::shed_memory(std::uint64_t too_much) {
  find_holders([&](const Connection& connection) {
    std::size_t bytes = waiting_bytes(connection);
    if (!connection.ending()) bytes += held_bytes(connection);
    return bytes >= kWorthClosing ? bytes : 0;
  });
  std::uint64_t freed = 0;
  for (const Holder& holder : holders_) {
    if (freed >= too_much) break;
    Connection* const connection = table_.find(holder.id);
    if (connection == nullptr) continue;
    freed += holder.bytes;
    tell_shed(kMemoryMessage, CloseReason::kLimitMemory, *connection);
    let_go(*connection, holder.bytes);
  }
  // Nobody holds much: there are too many of them.
  if (holders_.empty()) {
    for (std::size_t i = 0; i < kIdleAtATime; ++i) {
      Connection* const idle = longest_idle(nullptr);
      if (idle == nullptr) break;
      idle->close(CloseReason::kMadeRoom);
    }
    freed = too_much;  // how much that is, a later look tells
  }
  memory_leaving_ += freed;
  memory_freed_ = true;
  turn_.request();
}

// --- memory of a service -------------------------------------------------------------------------

void Network::watch_memory(const StreamPolicy& policy) {
  const auto known = std::find(memory_ledgers_.begin(), memory_ledgers_.end(), policy.memory);
  if (policy.memory != nullptr && known == memory_ledgers_.end()) {
    memory_ledgers_.push_back(policy.memory);
  }
}

void Network::count_held(const Connection& connection) {
  const bool over = (connection.flags_ & Connection::kClosing) != 0;
  MemoryLedger& memory = *connection.source().policy().memory;
  memory.note(connection.index_, over ? 0 : held_bytes(connection));
  if (memory.is_over()) turn_.hurry();  // what others would add meanwhile
}

void Network::shed_services() {
  for (const MemoryLedger* memory : memory_ledgers_)
    if (memory->is_over()) shed_service(*memory);
}

// Here everybody counts, however little it is: what the service holds is the sum of these.
void Network::shed_service(const MemoryLedger& memory) {
  find_holders([&](const Connection& connection) {
    const bool concerned = connection.source().policy().memory == &memory;
    return concerned ? waiting_bytes(connection) + held_bytes(connection) : 0;
  });
  for (const Holder& holder : holders_) {
    if (!memory.is_near()) break;
    Connection* const connection = table_.find(holder.id);
    if (connection == nullptr) continue;
    tell_shed(kServiceMessage, CloseReason::kLimitMemory, *connection);
    let_go(*connection, holder.bytes);
  }
}

void Network::tell_shed(const char* message, CloseReason reason, const Connection& connection) {
  const bool goes_on = shed_ms_ != 0 && now_ms_ - shed_ms_ <= kBurstMs;
  shed_ms_ = now_ms_;
  if (goes_on) return;
  log_.warn({.event = name(reason),
             .message = message,
             .service = connection.source().service(),
             .listener = connection.source().id()});
}

}  // namespace polyport
