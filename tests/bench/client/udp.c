// Echo over UDP: `udp`. Each socket has one datagram of 64 bytes on the way. One that does not come
// back within 200 ms is sent again and counted as lost.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "client.h"

enum { kMessageBytes = 64, kPatienceMs = 200, kMostLost = 1000 };

struct peer {
  int fd;
  int waiting;
  uint64_t began_ns;
  uint64_t message[kMessageBytes / sizeof(uint64_t)];
  uint64_t before[kMessageBytes / sizeof(uint64_t)];  // the message before it
};

static struct peer *peers;
static int epoll;

static void send_it(struct peer *peer) {
  if (send(peer->fd, peer->message, kMessageBytes, MSG_NOSIGNAL) != kMessageBytes)
    fail("send: %s", strerror(errno));
}

static void begin(int index) {
  struct peer *const peer = &peers[index];
  memcpy(peer->before, peer->message, kMessageBytes);
  fill_message(peer->message, kMessageBytes / sizeof(uint64_t));
  peer->waiting = 1;
  peer->began_ns = now_ns();
  send_it(peer);
}

static int open_socket(void) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)options.port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
    fail("connect: %s", strerror(errno));
  return fd;
}

// True where the answer is here.
static int receive(struct peer *peer) {
  char back[2 * kMessageBytes];
  const ssize_t got = recv(peer->fd, back, sizeof back, 0);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got < 0) fail("recv: %s", strerror(errno));
  // Of one that was taken for lost and sent again: both have come back.
  if (!peer->waiting || (got == kMessageBytes && memcmp(back, peer->before, kMessageBytes) == 0))
    return 0;
  if (got != kMessageBytes || memcmp(back, peer->message, kMessageBytes) != 0)
    fail("another datagram came back than was sent");
  peer->waiting = 0;
  record_latency(now_ns() - peer->began_ns);
  ++tally.operations;
  return 1;
}

static void send_again(int running) {
  (void)running;
  for (int i = 0; i < options.connections; ++i) {
    if (!peers[i].waiting) continue;
    if (++tally.lost > kMostLost) fail("more than %d datagrams were lost", kMostLost);
    send_it(&peers[i]);
  }
}

static void open_all(void) {
  peers = allocate((size_t)options.connections * sizeof *peers);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < options.connections; ++i) {
    peers[i].fd = open_socket();
    begin(i);
    if (!wait_readable(peers[i].fd, 5000) || !receive(&peers[i])) fail("no answer to a datagram");
    watch(epoll, peers[i].fd, EPOLLIN, i);
  }
  tally = (struct tally){0};
}

static int event(int index, uint32_t events) {
  (void)events;
  return receive(&peers[index]);
}

static void run(uint64_t until_ns) {
  const struct rounds rounds = {epoll, options.connections, kPatienceMs, begin, event, send_again};
  run_rounds(&rounds, until_ns);
}

const struct load udp_load = {"udp", open_all, run};
