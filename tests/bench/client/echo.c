// Echo over TCP: `echo`. Each connection sends 64 bytes of its own, other ones each time, and waits
// until they are back.
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "client.h"

enum { kMessageBytes = 64, kMostEvents = 1024 };

struct peer {
  int fd;
  size_t got;
  uint64_t began_ns;
  uint64_t message[kMessageBytes / sizeof(uint64_t)];
};

static struct peer *peers;
static int epoll;
static uint64_t serial;

static void begin(struct peer *peer) {
  for (size_t i = 0; i < kMessageBytes / sizeof(uint64_t); ++i)
    peer->message[i] = ++serial * 0x9e3779b97f4a7c15u;
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
    begin(&peers[i]);
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

static void run(uint64_t until_ns) {
  int running = options.connections;
  for (int i = 0; i < options.connections; ++i)
    begin(&peers[i]);
  while (running > 0) {
    struct epoll_event events[kMostEvents];
    const int count = epoll_wait(epoll, events, kMostEvents, 30000);
    if (count == 0) fail("%d answers did not come", running);
    for (int i = 0; i < count; ++i) {
      struct peer *const peer = &peers[events[i].data.u32];
      if (!receive(peer)) continue;
      if (goes_on(until_ns)) {
        begin(peer);
      } else {
        --running;
      }
    }
  }
}

const struct load echo_load = {"echo", open_all, run};
