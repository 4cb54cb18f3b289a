// The sentences of `polyport connect`: what a connection is, why there is none, how it ended.
//
// Pure functions from facts to text, whole lines with their line feed; the facts are gathered where
// the connection is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/ports/endpoint.h"
#include "core/ports/ranges.h"
#include "core/socket/address.h"

namespace polyport {

// The two ends of one socket.
struct Ends {
  Transport transport = Transport::kTcp;
  Address local;  // of a unix socket: kUnix, as the peer
  Address peer;
  std::string path;  // of a unix socket's far end, as in Endpoint
};

enum class LocalPort : std::uint8_t { kLent, kChosen };  // by the system; by --bind

// "127.0.0.1:10007", "udp 127.0.0.1:10007", "unix:///run/x.sock".
std::string far_text(const Ends& ends);
// "you 127.0.0.1:51658  →  127.0.0.1:10007".
std::string pair_text(const Ends& ends);
// A word in the left column and the sentence beside it.
std::string labelled(std::string_view label, std::string_view sentence);
// "connected   you …" and a line for each port.
std::string opened_text(const Ends& ends, LocalPort local_port, EphemeralRange lent);

// A step that failed with an errno.
struct Failure {
  enum class Step : std::uint8_t { kSocket, kBind, kConnect };
  Step step = Step::kConnect;
  int error = 0;
  Ends ends;                            // local as asked for by --bind, of family kNone without it
  std::chrono::milliseconds waited{0};  // where the connection timed out
};
std::string failure_text(const Failure& failure, EphemeralRange lent);
// For the shell (see ExitCode).
int failure_exit(const Failure& failure);

// How an open connection came to its end.
struct Ending {
  enum class Cause : std::uint8_t {
    kWeFinished,      // our FIN was first
    kServerFinished,  // the server's was
    kBroken,          // by `error`: a reset, or a connection that died
    kServerSilent,    // it did not close in time
    kServerFull,      // it took nothing in time
    kInterrupted,     // by the user
    kOutputGone,      // standard output failed with `error`
  };
  Cause cause = Cause::kWeFinished;
  int error = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t bytes_in = 0;
  bool fin_received = false;  // the server has closed its side, too
  bool bytes_unread = false;  // so closing makes the kernel send a RST
  std::chrono::milliseconds waited{0};
};
std::string closed_text(const Ends& ends, const Ending& ending);
int closed_exit(const Ending& ending);

// The end of an exchange of datagrams.
struct DatagramEnding {
  enum class Cause : std::uint8_t { kTimeOver, kBroken, kInterrupted, kOutputGone };
  Cause cause = Cause::kTimeOver;
  int error = 0;
  std::uint64_t datagrams_out = 0;
  std::uint64_t datagrams_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t bytes_in = 0;
  std::chrono::milliseconds waited{0};
};
std::string datagrams_closed_text(const Ends& ends, const DatagramEnding& ending);
int datagrams_closed_exit(const DatagramEnding& ending);

// What exactly four bytes mean on the port of the time protocol (RFC 868).
std::string time_text(std::string_view four_bytes);

}  // namespace polyport
