// The clock, the sockets and the end of the client.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "client.h"

enum { kPatienceMs = 30000 };

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("client: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

void *allocate(size_t bytes) {
  void *const memory = calloc(1, bytes);
  if (memory == NULL) fail("no memory for %zu bytes", bytes);
  return memory;
}

uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int connect_tcp(void) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)options.port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
    fail("connect: %s", strerror(errno));
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

void watch(int epoll, int fd, uint32_t events, int index) {
  struct epoll_event event = {.events = events, .data.u32 = (uint32_t)index};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
}

static int wait_for(int fd, short events, int timeout_ms) {
  struct pollfd poll_fd = {.fd = fd, .events = events};
  return poll(&poll_fd, 1, timeout_ms) > 0;
}

int wait_readable(int fd, int timeout_ms) {
  return wait_for(fd, POLLIN, timeout_ms);
}

void send_all(int fd, const char *data, size_t bytes) {
  while (bytes > 0) {
    const ssize_t sent = send(fd, data, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) fail("send: %s", strerror(errno));
    if (sent < 0 && !wait_for(fd, POLLOUT, kPatienceMs)) fail("the server reads nothing");
    if (sent > 0) {
      data += sent;
      bytes -= (size_t)sent;
    }
  }
}

void receive_all(int fd, char *data, size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = recv(fd, data, bytes, 0);
    if (got == 0) fail("the server closed a connection");
    if (got < 0 && errno != EAGAIN) fail("recv: %s", strerror(errno));
    if (got < 0 && !wait_for(fd, POLLIN, kPatienceMs)) fail("%zu bytes did not come", bytes);
    if (got > 0) {
      data += got;
      bytes -= (size_t)got;
    }
  }
}
