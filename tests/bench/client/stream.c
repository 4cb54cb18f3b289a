// One stream through an echo: `stream`. Writes of 64 KiB, at most 256 KiB on the way, every byte that
// comes back compared. An operation is 64 KiB there and back.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "client.h"

enum { kWriteBytes = 65536, kWindowBytes = 4 * kWriteBytes, kPatternBytes = 65537 };

static int fd;
static char pattern[kPatternBytes + kWriteBytes];  // so that a piece from any place lies in one row
static uint64_t sent, got;

static void open_all(void) {
  uint64_t state = 88172645463325252u;
  for (size_t i = 0; i < kPatternBytes; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    pattern[i] = (char)state;
  }
  memcpy(pattern + kPatternBytes, pattern, kWriteBytes);
  fd = connect_tcp();
}

// How much went out.
static size_t write_some(uint64_t end) {
  uint64_t most = got + kWindowBytes - sent;
  if (most > end - sent) most = end - sent;
  if (most > kWriteBytes) most = kWriteBytes;
  if (most == 0) return 0;
  const ssize_t count = send(fd, pattern + sent % kPatternBytes, most, MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN) fail("send: %s", strerror(errno));
  if (count > 0) sent += (uint64_t)count;
  return count > 0 ? (size_t)count : 0;
}

static size_t read_some(void) {
  static char buffer[kWriteBytes];
  const ssize_t count = recv(fd, buffer, sizeof buffer, 0);
  if (count == 0) fail("the server closed the connection");
  if (count < 0 && errno != EAGAIN) fail("recv: %s", strerror(errno));
  if (count < 0) return 0;
  if (memcmp(pattern + got % kPatternBytes, buffer, (size_t)count) != 0)
    fail("other bytes came back than were sent");
  got += (uint64_t)count;
  return (size_t)count;
}

static void run(uint64_t until_ns) {
  sent = got = 0;
  uint64_t end = UINT64_MAX, marked = 0, marked_ns = now_ns();
  while (got < end) {
    tally.operations = got / kWriteBytes;
    if (end == UINT64_MAX && !goes_on(until_ns)) end = sent;
    const size_t wrote = end > sent ? write_some(end) : 0;
    const size_t read = read_some();
    if (got - marked >= kWriteBytes) {
      const uint64_t now = now_ns();
      record_latency((now - marked_ns) * kWriteBytes / (got - marked));
      marked = got;
      marked_ns = now;
    }
    if (wrote + read > 0 || got >= end) continue;
    const int can_write = sent < end && sent - got < kWindowBytes;
    struct pollfd poll_fd = {.fd = fd, .events = (short)(POLLIN | (can_write ? POLLOUT : 0))};
    if (poll(&poll_fd, 1, 30000) <= 0) fail("%llu bytes did not come", (unsigned long long)(sent - got));
  }
  tally.operations = got / kWriteBytes;
}

const struct load stream_load = {"stream", open_all, run};
