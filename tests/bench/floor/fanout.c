// The floor of a chat room: floor_fanout. What one member says, a loop writes to all the others: one
// write for each of them for all that one read gave.
#include "floor.h"

static char input[kBufferBytes];
static int members[kBufferBytes], count;

static void leave(int fd) {
  for (int i = 0; i < count; ++i) {
    if (members[i] != fd) continue;
    members[i] = members[--count];
    break;
  }
  close(fd);
}

int main(void) {
  const int listener = listen_tcp(0), epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener);
  for (;;) {
    static struct epoll_event events[kMostEvents];
    const int ready = wait_for(epoll, events);
    for (int i = 0; i < ready; ++i) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        while (count < kBufferBytes && (fd = accept_one(listener)) >= 0) {
          members[count++] = fd;
          watch(epoll, fd);
        }
        continue;
      }
      const ssize_t size = recv(fd, input, sizeof input, 0);
      if (size < 0 && errno == EAGAIN) continue;
      if (size <= 0) {
        leave(fd);
        continue;
      }
      for (int k = 0; k < count; ++k) {
        if (members[k] != fd && send(members[k], input, size, MSG_NOSIGNAL) != size)
          shutdown(members[k], SHUT_RDWR);  // a reader that is this slow is out
      }
    }
  }
}
