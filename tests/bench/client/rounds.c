// The loop that most kinds of load have in common: operations on many sockets at once, and the bytes
// of their messages.
#include <sys/epoll.h>

#include "client.h"

enum { kMostEvents = 1024 };

void no_silence(int running) {
  fail("%d answers did not come", running);
}

void fill_message(uint64_t *words, size_t count) {
  static uint64_t serial;
  for (size_t i = 0; i < count; ++i)
    words[i] = ++serial * 0x9e3779b97f4a7c15u;
}

void run_rounds(const struct rounds *rounds, uint64_t until_ns) {
  int running = rounds->count;
  for (int i = 0; i < rounds->count; ++i)
    rounds->begin(i);
  while (running > 0) {
    struct epoll_event events[kMostEvents];
    const int count = epoll_wait(rounds->epoll, events, kMostEvents, rounds->patience_ms);
    if (count == 0) rounds->silence(running);
    for (int i = 0; i < count; ++i) {
      const int index = (int)events[i].data.u32;
      if (!rounds->event(index, events[i].events)) continue;
      if (goes_on(until_ns)) {
        rounds->begin(index);
      } else {
        --running;
      }
    }
  }
}
