// The floor of echo over TCP: floor_echo. What one read gave, one write gives back.
//
// Where the kernel takes less, it waits for that one connection: enough for a stream that is alone.
#include <poll.h>

#include "floor.h"

static char input[kBufferBytes];

static int send_all(int fd, const char *data, ssize_t size) {
  for (;;) {
    const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent == size) return 1;
    if (sent < 0 && errno != EAGAIN) return 0;
    if (sent > 0) {
      data += sent;
      size -= sent;
    }
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    poll(&writable, 1, -1);
  }
}

int main(void) {
  const int listener = listen_tcp(0), epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener);
  for (;;) {
    static struct epoll_event events[kMostEvents];
    const int count = wait_for(epoll, events);
    for (int i = 0; i < count; ++i) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        while ((fd = accept_one(listener)) >= 0)
          watch(epoll, fd);
        continue;
      }
      const ssize_t size = recv(fd, input, sizeof input, 0);
      if (size < 0 && errno == EAGAIN) continue;
      if (size <= 0 || !send_all(fd, input, size)) close(fd);
    }
  }
}
