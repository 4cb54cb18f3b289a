// A connection for each request: `close`. --connections of them at a time: connect, request, answer,
// the server's FIN, close. An operation is all of that.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

enum { kBufferBytes = 65536, kAddresses = 32 };

struct peer {
  int fd;
  int waits;  // for the connection, with the request still to be sent
  size_t got;
  uint64_t began_ns;
};

static struct peer *peers;
static struct answer answer;
static int epoll;
static char buffer[kBufferBytes];

static void open_all(void) {
  size_t size = 0;
  const int fd = connect_tcp();
  send_all(fd, options.request, options.request_bytes);
  for (;;) {
    if (!wait_readable(fd, 10000)) fail("no end of an answer: %.300s", buffer);
    const ssize_t got = recv(fd, buffer + size, sizeof buffer - 1 - size, 0);
    if (got < 0) fail("recv: %s", strerror(errno));
    if (got == 0) break;
    size += (size_t)got;
  }
  if (!learn_answer(&answer, buffer, size, 1) || answer.size != size) fail("no whole answer");
  close(fd);
  peers = allocate((size_t)options.connections * sizeof *peers);
  epoll = epoll_create1(EPOLL_CLOEXEC);
}

static void send_request(struct peer *peer) {
  const ssize_t sent = send(peer->fd, options.request, options.request_bytes, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) fail("send: %s", strerror(errno));
  if (sent > 0 && (size_t)sent != options.request_bytes) fail("a request in two pieces");
  const int waited = peer->waits;
  peer->waits = sent < 0;
  if (peer->waits == waited) return;
  struct epoll_event event = {.events = peer->waits ? EPOLLOUT : EPOLLIN,
                              .data.u32 = (uint32_t)(peer - peers)};
  epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

// The server closes first and keeps the pair of addresses in TIME_WAIT. Connections from many
// addresses of loopback in turn do not meet one of those again.
static void bind_next_address(int fd) {
  static uint32_t count;
  const int on = 1;
  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + ++count % kAddresses)};
  if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
      bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
    fail("bind: %s", strerror(errno));
}

static void begin(int index) {
  struct peer *const peer = &peers[index];
  peer->began_ns = now_ns();
  peer->got = 0;
  peer->waits = 0;
  peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  bind_next_address(peer->fd);
  const struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)options.port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(peer->fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
      errno != EINPROGRESS)
    fail("connect: %s", strerror(errno));
  watch(epoll, peer->fd, EPOLLIN, (int)(peer - peers));
  send_request(peer);  // over loopback the handshake is most often complete by now
}

// True at the server's FIN.
static int receive(struct peer *peer) {
  for (;;) {
    const ssize_t got = recv(peer->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got < 0) fail("recv: %s", strerror(errno));
    if (peer->got + (size_t)got > answer.size) fail("more bytes than the answer has");
    if (got == 0) break;
    check_answer(&answer, peer->got, buffer, (size_t)got);
    peer->got += (size_t)got;
  }
  if (peer->got != answer.size) fail("the server closed after %zu bytes", peer->got);
  close(peer->fd);
  record_latency(now_ns() - peer->began_ns);
  ++tally.operations;
  return 1;
}

static int event(int index, uint32_t events) {
  (void)events;
  if (!peers[index].waits) return receive(&peers[index]);
  send_request(&peers[index]);
  return 0;
}

static void run(uint64_t until_ns) {
  const struct rounds rounds = {epoll, options.connections, 30000, begin, event, no_silence};
  run_rounds(&rounds, until_ns);
}

const struct load close_load = {"close", open_all, run};
