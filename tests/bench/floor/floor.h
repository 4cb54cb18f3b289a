// What every floor needs: a listening socket with the options polyport sets, and one epoll.
//
// A floor is the least that a server on one epoll loop can do for a protocol: no limits, deadlines,
// counters or checks. It is measured to have something to be compared with, and is not a server.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kMostEvents = 1024, kBufferBytes = 65536 };

static inline void need(int fine, const char* what) {
  if (fine) return;
  perror(what);
  exit(1);
}

static inline void set(int fd, int level, int option, int value) {
  need(setsockopt(fd, level, option, &value, sizeof value) == 0, "setsockopt");
}

// Port 0: the kernel chooses. What listens has to listen before it tells.
static inline void bind_and_tell(int fd, int listens) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  need(bind(fd, (struct sockaddr*)&address, size) == 0, "bind");
  need(getsockname(fd, (struct sockaddr*)&address, &size) == 0, "getsockname");
  if (listens) need(listen(fd, 4096) == 0, "listen");
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);
}

// defer_accept as polyport does it where the client speaks first; 0 leaves the option alone.
static inline int listen_tcp(int defer_accept) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  need(fd >= 0, "socket");
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (defer_accept > 0) set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, defer_accept);
  bind_and_tell(fd, 1);
  return fd;
}

static inline int accept_one(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  need(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

// epoll_wait for ever, without the interruption of a tracer that comes or goes.
static inline int wait_for(int epoll, struct epoll_event* events) {
  int count;
  do
    count = epoll_wait(epoll, events, kMostEvents, -1);
  while (count < 0 && errno == EINTR);
  need(count >= 0, "epoll_wait");
  return count;
}
