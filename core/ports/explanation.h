// Explanation: a bind that failed (or would), told from facts: what the kernel answered, who is in
// the way, which rule applied, what to do next. As one struct, from which text and JSON are
// written.
//
// Made by core/ports/explain.h; here it is only told.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json_writer.h"
#include "core/ports/bind_rules.h"
#include "core/ports/kernel_sockets.h"
#include "core/ports/processes.h"
#include "core/ports/ranges.h"
#include "core/ports/resolve.h"

namespace polyport {

enum class BindStep : std::uint8_t {
  kNone,
  kPath,  // of a unix socket: its lock, its leftover, before any bind
  kSocket,
  kBind,
  kListen,
};
std::string_view name(BindStep step);  // "path", "socket", "bind", "listen"; empty for kNone

// What was tried, and what the kernel answered.
struct BindAttempt {
  BindTarget target;
  BindStep step = BindStep::kNone;  // that failed
  int error = 0;                    // errno; 0: it could be bound
  bool reuse_address = false;       // as set on the socket
  bool reuse_port = false;
  std::string service;  // who wanted it, and where that stands; empty where nobody's
  std::string where;    // "my.toml:3:10"

  bool is_path() const { return target.transport == Transport::kUnix; }
};

enum class Verdict : std::uint8_t { kFree, kTaken, kForbidden, kUnavailable, kInvalid };
std::string_view name(Verdict verdict);  // "free", …

// A socket that is in the way.
struct Holder {
  enum class Kind : std::uint8_t { kListener, kBound, kUdp, kConnection, kTimeWait, kUnix };
  Kind kind = Kind::kListener;
  std::string endpoint;  // its local end, "127.0.0.1:8080" or a path
  std::string remote;    // of a connection
  bool ours = false;     // of this process
  // Of a service of this process, or of another polyport that lets us read them.
  std::string service;
  std::string where;
  std::optional<Process> process;
  std::vector<int> workers;          // of a polyport: its processes that serve this port
  std::vector<int> more_pids;        // further processes that have the same socket open
  std::optional<std::uint32_t> uid;  // of the socket; its process may be another's by now
  bool yours = false;  // the process is this user's, or the socket where none is known
  Hidden hidden = Hidden::kNo;
};
std::string_view name(Holder::Kind kind);  // "listener", …

struct Suggestion {
  std::string kind;      // "other_port", "offset", "other_address", "stop_holder", …
  std::string text;      // what it does, without a full stop
  std::string command;   // to type; or
  std::string config;    // to write into the configuration
  std::string endpoint;  // the one it leads to
};

inline constexpr std::size_t kMaxHolders = 16;

struct Explanation {
  BindAttempt attempt;
  Verdict verdict = Verdict::kFree;
  BindRule rule = BindRule::kNone;
  std::string reason;  // "taken: held by …", "free": the predicate of the sentence
  std::string text;    // the sentence whole, for the log and a status page
  PortRange range = PortRange::kUser;
  EphemeralRange ephemeral;
  std::string iana_name;
  std::vector<Holder> holders;  // at most kMaxHolders
  std::size_t holders_in_all = 0;
  std::vector<Suggestion> suggestions;  // likeliest first
};

// The object pinned as version 1: fields are added over time, never changed.
void write_explanation(JsonWriter& json, const Explanation& explanation);
// {"explanations":[…]} and a newline.
std::string explanations_json(std::span<const Explanation> explanations);

// For a person: what could not be had and who is in the way, grouped by holder, then the rules that
// applied and what to do. Lines with their line feeds; nothing for an empty list.
std::string explanations_text(std::span<const Explanation> explanations);
// Of that the second half: the rules and what to do.
std::string advice_text(std::span<const Explanation> explanations);

// An attempt's endpoint as messages call it: "127.0.0.1:8080", "udp 127.0.0.1:53",
// "unix:/run/x.sock".
std::string spoken(const BindTarget& target);

}  // namespace polyport
