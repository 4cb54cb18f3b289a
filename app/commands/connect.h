// polyport connect: a client for TCP, TLS, UDP and unix sockets that tells what it does.
//
// It prints both ends and the range of each port, copies standard input to the server and the
// server's bytes to standard output, and says in the end who closed first. Standard output holds
// nothing but the server's bytes; every word of ours goes to standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "app/tls_trust.h"

namespace polyport {

struct ConnectOptions {
  std::string target;  // an endpoint with one port: "localhost:10007", "tls://…", "unix:///…"
  std::string bind;    // the near end: "ADDR:PORT", ":PORT"; empty takes what the system gives
  bool hold = false;   // keep the connection when the input has ended
  bool crlf = false;   // a line feed of the input leaves as CR LF
  bool hex = false;    // show what arrives as a hex dump
  TlsTrust trust;      // of a tls:// target
  std::uint32_t count = 1;  // connections at once; with more than one nothing is copied
  // How long to wait for a connection, and after the end of the input for the server. Not set: 10 s
  // to connect; 1 s for datagrams; for streams 10 s, or without end where a person is typing.
  std::optional<std::chrono::milliseconds> wait;
};

inline constexpr std::uint32_t kMaxConnectCount = 10'000;

// Runs until the connection is closed or the user interrupts it; the result is the exit code.
// SIGPIPE must be ignored, and the three standard descriptors open.
int run_command(const ConnectOptions& options);

}  // namespace polyport
