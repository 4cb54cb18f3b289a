// Echo over TCP: `echo`. Each connection sends 64 bytes of its own, other ones each time, and waits
// until they are back.
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "client.h"

enum { kMessageBytes = 64 };

struct peer {
  int fd;
  size_t got;
  uint64_t began_ns;
  uint64_t message[kMessageBytes / sizeof(uint64_t)];
};

static struct peer *peers;
static int epoll;

static void begin(int index) {
  struct peer *const peer = &peers[index];
  fill_message(peer->message, kMessageBytes / sizeof(uint64_t));
  peer->got = 0;
  peer->began_ns = now_ns();
  send_all(peer->fd, (const char *)peer->message, kMessageBytes);
}

static void check(const struct peer *peer, const char *data, size_t size) {
  if (peer->got + size > kMessageBytes ||
      memcmp((const char *)peer->message + peer->got, data, size) != 0)
    fail("other bytes came back than were sent");
}

static void open_all(void) {
  peers = allocate((size_t)options.connections * sizeof *peers);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < options.connections; ++i) {
    peers[i].fd = connect_tcp();
    begin(i);
    char back[kMessageBytes];
    receive_all(peers[i].fd, back, sizeof back);
    check(&peers[i], back, sizeof back);
    watch(epoll, peers[i].fd, EPOLLIN, i);
  }
}

static int receive(struct peer *peer) {
  char back[2 * kMessageBytes];
  const ssize_t got = recv(peer->fd, back, sizeof back, 0);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got <= 0) fail("the server closed a connection");
  check(peer, back, (size_t)got);
  peer->got += (size_t)got;
  if (peer->got < kMessageBytes) return 0;
  record_latency(now_ns() - peer->began_ns);
  ++tally.operations;
  return 1;
}

static int event(int index, uint32_t events) {
  (void)events;
  return receive(&peers[index]);
}

static void run(uint64_t until_ns) {
  const struct rounds rounds = {epoll, options.connections, 30000, begin, event, no_silence};
  run_rounds(&rounds, until_ns);
}

const struct load echo_load = {"echo", open_all, run};
