// Exchanges on a schedule: `paced`. --rate of them begin each second, on one of --connections after the
// other, whether those before them are over or not; every byte that comes back is compared. An
// operation is one exchange. With a request of HTTP its answer is learned from the first one, without
// one (an echo) 64 bytes must come back as they went.
//
// A latency is counted from the moment the exchange was due where its connection was still busy then,
// so a server that stands still is not asked less for it.
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "client.h"

enum { kBufferBytes = 65536, kMostEvents = 1024, kMostAnswerBytes = 1 << 20, kEchoBytes = 64 };

struct peer {
  int fd;
  int busy;
  size_t got;
  uint64_t began_ns;
};

static struct peer *peers;
static struct answer answer;
static const char *request;
static size_t request_bytes;
static int epoll, running;
static char buffer[kBufferBytes];

static void learn(int fd) {
  static char echoed[kEchoBytes];
  if (options.request == NULL) {
    for (int i = 0; i < kEchoBytes; ++i)
      echoed[i] = (char)('0' + i);
    request = echoed;
    request_bytes = kEchoBytes;
    answer = (struct answer){.bytes = echoed, .size = kEchoBytes};
    return;
  }
  char *const data = allocate(kMostAnswerBytes);
  size_t size = 0;
  request = options.request;
  request_bytes = options.request_bytes;
  send_all(fd, request, request_bytes);
  while (!learn_answer(&answer, data, size, 0)) {
    if (!wait_readable(fd, 10000)) fail("no whole answer: %.300s", data);
    const ssize_t got = recv(fd, data + size, kMostAnswerBytes - 1 - size, 0);
    if (got <= 0) fail("the connection ended in an answer: %.300s", data);
    size += (size_t)got;
  }
}

static void open_all(void) {
  if (options.rate == 0) fail("paced wants --rate");
  prctl(PR_SET_TIMERSLACK, 1);
  peers = allocate((size_t)options.connections * sizeof *peers);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < options.connections; ++i) {
    peers[i].fd = connect_tcp();
    if (i == 0) learn(peers[i].fd);
    send_all(peers[i].fd, request, request_bytes);
    if (answer.size > sizeof buffer) fail("an answer of %zu bytes is too long", answer.size);
    receive_all(peers[i].fd, buffer, answer.size);
    check_answer(&answer, 0, buffer, answer.size);
    watch(epoll, peers[i].fd, EPOLLIN, i);
  }
}

static void begin(struct peer *peer, uint64_t began_ns) {
  const ssize_t sent = send(peer->fd, request, request_bytes, MSG_NOSIGNAL);
  if (sent != (ssize_t)request_bytes) fail("a request did not leave: %s", strerror(errno));
  peer->busy = 1;
  peer->got = 0;
  peer->began_ns = began_ns;
  ++running;
}

static void receive(struct peer *peer) {
  const ssize_t got = recv(peer->fd, buffer, sizeof buffer, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) fail("the server closed a connection");
  if (!peer->busy || peer->got + (size_t)got > answer.size) fail("more bytes than the answer has");
  check_answer(&answer, peer->got, buffer, (size_t)got);
  peer->got += (size_t)got;
  if (peer->got < answer.size) return;
  record_latency(now_ns() - peer->began_ns);
  ++tally.operations;
  peer->busy = 0;
  --running;
}

static void wait_until(uint64_t due_ns) {
  struct epoll_event events[kMostEvents];
  const uint64_t now = now_ns(), left = due_ns > now ? due_ns - now : 0;
  const struct timespec timeout = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
  const int count = epoll_pwait2(epoll, events, kMostEvents, &timeout, NULL);
  if (count < 0 && errno != EINTR) fail("epoll_pwait2: %s", strerror(errno));
  for (int i = 0; i < count; ++i)
    receive(&peers[events[i].data.u32]);
}

static void run(uint64_t until_ns) {
  static uint32_t next;
  const uint64_t step_ns = 1000000000u / (uint64_t)options.rate, patience_ns = 30000000000u;
  uint64_t due_ns = now_ns();
  while (goes_on(until_ns)) {
    const uint64_t now = now_ns();
    struct peer *const peer = &peers[next % (uint32_t)options.connections];
    if (now < due_ns) {
      wait_until(due_ns);
    } else if (peer->busy) {
      wait_until(now + step_ns);
      if (now - peer->began_ns > patience_ns) fail("an answer did not come for 30 s");
      if (!peer->busy) peer->began_ns = due_ns;  // late: counted from when it was due
    } else {
      begin(peer, peer->began_ns == due_ns ? due_ns : now);
      ++next;
      due_ns += step_ns;
    }
  }
  const uint64_t last_ns = now_ns() + patience_ns;
  while (running > 0) {
    wait_until(now_ns() + 1000000);
    if (now_ns() > last_ns) fail("%d answers did not come", running);
  }
}

const struct load paced_load = {"paced", open_all, run};
