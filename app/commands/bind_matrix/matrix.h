// Matrix: what bind-matrix asks the kernel, its answers, and how each answer is read.
//
// Pure data and judgement; the trial itself is in trial.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/bind_rules.h"

namespace polyport::bind_matrix {

// An address that a socket is bound to, with what it covers.
struct Place {
  std::string_view name;  // "[::] v6only"
  Address address;        // without a port
  IPv6Mode mode = IPv6Mode::kOnly;
};
std::span<const Place> all_places();

enum class Sharing : std::uint8_t { kNone, kReuseAddress, kReusePort };  // set on both sockets
std::string_view name(Sharing sharing);  // "none", "reuseaddr", "reuseport"
enum class First : std::uint8_t { kListening, kBound };
std::string_view name(First first);

// How the two sockets of a table are made.
struct Setting {
  Transport transport = Transport::kTcp;
  First first = First::kListening;  // UDP has nothing but kBound
  Sharing sharing = Sharing::kNone;
};
Setting two_listeners();
std::vector<Setting> all_settings();

// The calls after the first socket is as the setting wants it, in their order. The last is made
// for TCP where the first was only bound.
enum class Step : std::uint8_t { kNone, kBind, kListen, kFirstListens };
std::string_view name(Step step);  // "", "bind", "listen", "first_listens"

struct Answer {
  Step step = Step::kNone;  // the first call that failed
  int error = 0;            // its errno; 0: every call was allowed
  friend bool operator==(const Answer&, const Answer&) = default;
};

struct Cell {
  const Place* first = nullptr;
  const Place* second = nullptr;
  Answer answer;
};
struct Table {
  Setting setting;
  std::vector<Cell> cells;  // row by row
};

struct Missing {
  const Place* place = nullptr;
  int error = 0;  // why it cannot be bound even alone; 0: its family is off
};

struct Matrix {
  std::string kernel;  // "Linux 6.18.0"
  std::vector<const Place*> places;
  std::vector<Missing> missing;
  std::vector<Table> tables;
};

// What an answer means.
struct Reading {
  enum class Kind : std::uint8_t {
    kRefused,       // by `rule`
    kOtherAddress,  // allowed: they have no address in common
    kOtherFamily,   // allowed: one is IPv4, the other IPv6 alone
    kShared,        // allowed, although they overlap: SO_REUSEPORT
    kBothBound,     // both may bind, only one may listen: SO_REUSEADDR, and none listened
    kTakenOver,     // UDP with SO_REUSEADDR: allowed without a word
    kUnexplained,   // the rules say otherwise
  };
  Kind kind = Kind::kUnexplained;
  BindRule rule = BindRule::kNone;
  std::string sentence;  // without a full stop
  friend bool operator==(const Reading&, const Reading&) = default;
};
Reading read(const Setting& setting, const Cell& cell);

std::string error_name(int error);  // "EADDRINUSE"

// "in use", "ok", "listen", "late", or an errno's name: at most eight letters for what is usual.
std::string word(Answer answer);

}  // namespace polyport::bind_matrix
