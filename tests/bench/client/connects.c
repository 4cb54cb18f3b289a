// New connections on a schedule: `connects`. --rate of them each second, at most --connections at one
// time: connect, 64 bytes that must come back (an echo), gone by a RST, which leaves nothing behind on
// either side. An operation is all of that.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

enum { kBytes = 64, kMostEvents = 256, kAddresses = 32 };

struct peer {
  int fd;  // -1: none
  size_t got;
  int sent;
  uint64_t began_ns;
};

static struct peer *peers;
static int *idle, idle_count;
static char bytes[kBytes];
static int epoll;

static void open_all(void) {
  if (options.rate == 0) fail("connects wants --rate");
  prctl(PR_SET_TIMERSLACK, 1);
  for (int i = 0; i < kBytes; ++i)
    bytes[i] = (char)('0' + i);
  peers = allocate((size_t)options.connections * sizeof *peers);
  idle = allocate((size_t)options.connections * sizeof *idle);
  for (int i = 0; i < options.connections; ++i)
    idle[idle_count++] = i;
  epoll = epoll_create1(EPOLL_CLOEXEC);
}

static int connect_from_next_address(void) {
  static uint32_t count;
  const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  const struct sockaddr_in from = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + ++count % kAddresses)};
  const struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)options.port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0 ||
      setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
      bind(fd, (const struct sockaddr *)&from, sizeof from) != 0)
    fail("socket: %s", strerror(errno));
  if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
    fail("connect: %s", strerror(errno));
  return fd;
}

static void send_bytes(struct peer *peer) {
  const ssize_t sent = send(peer->fd, bytes, kBytes, MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) return;
  if (sent != kBytes) fail("send: %s", sent < 0 ? strerror(errno) : "in two pieces");
  peer->sent = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)(peer - peers)};
  epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

static void begin(struct peer *peer) {
  *peer = (struct peer){.began_ns = now_ns(), .fd = connect_from_next_address()};
  watch(epoll, peer->fd, EPOLLOUT | EPOLLIN, (int)(peer - peers));
  send_bytes(peer);  // over loopback the handshake is most often complete by now
}

static void receive(struct peer *peer) {
  char back[kBytes];
  const ssize_t got = recv(peer->fd, back, kBytes - peer->got, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) fail("the server ended a connection: %s", got < 0 ? strerror(errno) : "closed");
  if (memcmp(bytes + peer->got, back, (size_t)got) != 0) fail("other bytes came back");
  peer->got += (size_t)got;
  if (peer->got < kBytes) return;
  close(peer->fd);
  record_latency(now_ns() - peer->began_ns);
  ++tally.operations;
  idle[idle_count++] = (int)(peer - peers);
}

static int wait_for_events(uint64_t ns) {
  struct epoll_event events[kMostEvents];
  const struct timespec timeout = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
  const int count = epoll_pwait2(epoll, events, kMostEvents, &timeout, NULL);
  if (count < 0 && errno != EINTR) fail("epoll_pwait2: %s", strerror(errno));
  for (int i = 0; i < count; ++i) {
    struct peer *const peer = &peers[events[i].data.u32];
    if (!peer->sent) send_bytes(peer);
    if (peer->sent) receive(peer);
  }
  return count;
}

static void run(uint64_t until_ns) {
  const uint64_t step_ns = 1000000000u / (uint64_t)options.rate, patience_ns = 30000000000u;
  uint64_t due_ns = now_ns();
  while (goes_on(until_ns)) {
    const uint64_t now = now_ns();
    if (now >= due_ns && idle_count > 0) {
      begin(&peers[idle[--idle_count]]);
      due_ns += step_ns;
    } else if (wait_for_events(idle_count == 0 ? patience_ns : due_ns - now) == 0 && idle_count == 0) {
      fail("%d connections were not served for 30 s", options.connections);
    }
  }
  while (idle_count < options.connections) {
    if (wait_for_events(patience_ns) == 0) fail("a connection was not served for 30 s");
  }
}

const struct load connects_load = {"connects", open_all, run};
