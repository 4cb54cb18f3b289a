// Requests and answers on connections that stay: `exchange`. Each connection has --depth requests on
// the way; when all their answers are there, the next ones leave. An operation is one request.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "client.h"

enum { kBufferBytes = 1 << 20, kMostAnswerBytes = 4 << 20 };

struct peer {
  int fd;
  size_t sent, got;  // of this round
  uint64_t began_ns;
};

static struct peer *peers;
static struct answer answer;
static char *requests;  // --depth of them
static size_t request_bytes, answer_bytes;
static int epoll;
static char buffer[kBufferBytes];

static void learn(int fd) {
  char *const data = allocate(kMostAnswerBytes);
  size_t size = 0;
  send_all(fd, options.request, options.request_bytes);
  while (!learn_answer(&answer, data, size, 0)) {
    if (!wait_readable(fd, 10000)) fail("no whole answer: %.300s", data);
    const ssize_t got = recv(fd, data + size, kMostAnswerBytes - 1 - size, 0);
    if (got <= 0) fail("the connection ended in an answer: %.300s", data);
    size += (size_t)got;
  }
}

// One exchange: every connection is known to work before anything is measured.
static void try_it(int fd) {
  char *const data = buffer;
  size_t left = answer.size, offset = 0;
  send_all(fd, options.request, options.request_bytes);
  while (left > 0) {
    const size_t part = left < kBufferBytes ? left : kBufferBytes;
    receive_all(fd, data, part);
    check_answer(&answer, offset, data, part);
    offset += part;
    left -= part;
  }
}

static void open_all(void) {
  peers = allocate((size_t)options.connections * sizeof *peers);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < options.connections; ++i) {
    peers[i].fd = connect_tcp();
    if (i == 0) learn(peers[i].fd);
    try_it(peers[i].fd);
    watch(epoll, peers[i].fd, EPOLLIN, i);
  }
  request_bytes = options.request_bytes * (size_t)options.depth;
  answer_bytes = answer.size * (size_t)options.depth;
  requests = allocate(request_bytes);
  for (int i = 0; i < options.depth; ++i)
    memcpy(requests + (size_t)i * options.request_bytes, options.request, options.request_bytes);
}

static void change_interest(const struct peer *peer, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(peer - peers)};
  epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

// What the kernel takes now; the rest when it can take more.
static void send_requests(struct peer *peer) {
  const size_t before = peer->sent;
  const ssize_t sent = send(peer->fd, requests + before, request_bytes - before, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) fail("send: %s", strerror(errno));
  if (sent > 0) peer->sent += (size_t)sent;
  if (peer->sent < request_bytes) {
    change_interest(peer, EPOLLIN | EPOLLOUT);
  } else if (before > 0) {
    change_interest(peer, EPOLLIN);
  }
}

static void begin(int index) {
  struct peer *const peer = &peers[index];
  peer->sent = peer->got = 0;
  peer->began_ns = now_ns();
  send_requests(peer);
}

// True when all answers of the round are here.
static int receive_answers(struct peer *peer) {
  const ssize_t got = recv(peer->fd, buffer, sizeof buffer, 0);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got <= 0) fail("the server closed a connection");
  if (peer->got + (size_t)got > answer_bytes) fail("more bytes than the answers have");
  check_answer(&answer, peer->got, buffer, (size_t)got);
  peer->got += (size_t)got;
  if (peer->got < answer_bytes) return 0;
  record_latency(now_ns() - peer->began_ns);
  tally.operations += (uint64_t)options.depth;
  return 1;
}

static int event(int index, uint32_t events) {
  struct peer *const peer = &peers[index];
  if ((events & EPOLLOUT) != 0) send_requests(peer);
  return (events & ~(uint32_t)EPOLLOUT) != 0 && receive_answers(peer);
}

static void run(uint64_t until_ns) {
  const struct rounds rounds = {epoll, options.connections, 30000, begin, event, no_silence};
  run_rounds(&rounds, until_ns);
}

const struct load exchange_load = {"exchange", open_all, run};
