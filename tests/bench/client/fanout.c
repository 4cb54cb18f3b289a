// A chat room: `fanout`. One sender, --connections readers, lines of 100 bytes, --depth of them in one
// write; the next burst leaves when every reader has all of this one. An operation is one line that
// has reached one reader. Dialects: chat (polyport's line door), redis (pub/sub), raw.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

enum { kLineBytes = 100, kMostEvents = 1024, kBufferBytes = 1 << 20 };

struct dialect {
  const char *name;
  const char *greeting;  // what each reader says first
  const char *greeted;   // the end of what it is then told
  const char *sender;    // what the sender says first
  const char *before, *after;      // of a text as it is sent
  const char *shown, *shown_after; // of a text as readers get it
  unsigned quiet_s;                // until all is told of who came: a large room hears it in sum
};

// A room of chat may have a sender of another client in it, so the name has our process id.
static char take_name[64], name_shown[64];

static const struct dialect dialects[] = {
    {"chat", "", ". /help\r\n", take_name, "", "\r\n", name_shown, "\r\n", 3},
    {"redis", "SUBSCRIBE room\r\n", ":1\r\n", "", "*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n$100\r\n", "\r\n",
     "*3\r\n$7\r\nmessage\r\n$4\r\nroom\r\n$100\r\n", "\r\n", 0},
    {"raw", "", "", "", "", "\r\n", "", "\r\n", 0},
};

static const struct dialect *dialect;
static int *readers, sender, epoll;
static size_t *got;
static char buffer[kBufferBytes];
static char *outgoing, *wanted;
static size_t outgoing_bytes, wanted_bytes;
static uint64_t serial;

static void append(char *to, size_t *size, const char *text) {
  memcpy(to + *size, text, strlen(text));
  *size += strlen(text);
}

static void write_burst(void) {
  outgoing_bytes = wanted_bytes = 0;
  for (int i = 0; i < options.depth; ++i) {
    char text[kLineBytes + 1];
    snprintf(text, sizeof text, "%020llu", (unsigned long long)++serial);
    memset(text + 20, 'a' + (int)(serial % 26), kLineBytes - 20);
    text[kLineBytes] = '\0';
    append(outgoing, &outgoing_bytes, dialect->before);
    append(outgoing, &outgoing_bytes, text);
    append(outgoing, &outgoing_bytes, dialect->after);
    append(wanted, &wanted_bytes, dialect->shown);
    append(wanted, &wanted_bytes, text);
    append(wanted, &wanted_bytes, dialect->shown_after);
  }
}

// Reads what there is and drops it: who came and went is no part of the measurement.
static void drop(int fd) {
  while (recv(fd, buffer, sizeof buffer, 0) > 0) {}
}

static int ends_with(const char *data, size_t size, const char *end) {
  const size_t length = strlen(end);
  return size >= length && memmem(data, size, end, length) != NULL;
}

static int join(void) {
  const int fd = connect_tcp();
  send_all(fd, dialect->greeting, strlen(dialect->greeting));
  size_t size = 0;
  while (!ends_with(buffer, size, dialect->greeted)) {
    if (!wait_readable(fd, 30000)) fail("no welcome");
    const ssize_t count = recv(fd, buffer + size, sizeof buffer - size, 0);
    if (count <= 0) fail("not let in: %.*s", (int)size, buffer);
    size += (size_t)count;
  }
  return fd;
}

// Everybody gets a line that nobody has said before; what comes ahead of it is gone then.
static void wait_for_quiet(void) {
  write_burst();
  const size_t line = wanted_bytes / (size_t)options.depth;
  const char *const last = wanted + wanted_bytes - line;
  send_all(sender, outgoing, outgoing_bytes);
  for (int i = 0; i < options.connections; ++i) {
    size_t size = 0;
    while (size < line || memcmp(buffer + size - line, last, line) != 0) {
      if (!wait_readable(readers[i], 60000)) fail("a reader hears nothing");
      if (size > kBufferBytes / 2) {
        memmove(buffer, buffer + size - line, line);
        size = line;
      }
      const ssize_t count = recv(readers[i], buffer + size, sizeof buffer - size, 0);
      if (count <= 0) fail("reader %d was shut out: %.*s", i, (int)(size < 200 ? size : 200), buffer);
      size += (size_t)count;
    }
  }
  sleep(dialect->quiet_s);
  for (int i = 0; i < options.connections; ++i)
    drop(readers[i]);
  drop(sender);
}

static void open_all(void) {
  for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; ++i)
    if (strcmp(dialects[i].name, options.dialect) == 0) dialect = &dialects[i];
  if (dialect == NULL) fail("no dialect %s", options.dialect);
  snprintf(take_name, sizeof take_name, "/nick sender%d\r\n", (int)getpid());
  snprintf(name_shown, sizeof name_shown, "sender%d: ", (int)getpid());
  const size_t burst = (size_t)options.depth * (kLineBytes + 100);
  outgoing = allocate(burst);
  wanted = allocate(burst);
  readers = allocate((size_t)options.connections * sizeof *readers);
  got = allocate((size_t)options.connections * sizeof *got);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < options.connections; ++i) {
    readers[i] = join();
    watch(epoll, readers[i], EPOLLIN, i);
    if (i % 50 != 49) continue;
    for (int k = 0; k < i; ++k)
      drop(readers[k]);
  }
  sender = connect_tcp();
  send_all(sender, dialect->sender, strlen(dialect->sender));
  wait_for_quiet();
}

static void receive(int index, int *complete) {
  const ssize_t count = recv(readers[index], buffer, sizeof buffer, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) fail("reader %d was shut out", index);
  if (got[index] + (size_t)count > wanted_bytes ||
      memcmp(wanted + got[index], buffer, (size_t)count) != 0)
    fail("reader %d got %.*s", index, (int)(count < 300 ? count : 300), buffer);
  got[index] += (size_t)count;
  if (got[index] == wanted_bytes) ++*complete;
}

static void run(uint64_t until_ns) {
  do {
    write_burst();
    memset(got, 0, (size_t)options.connections * sizeof *got);
    const uint64_t began = now_ns();
    send_all(sender, outgoing, outgoing_bytes);
    for (int complete = 0; complete < options.connections;) {
      struct epoll_event events[kMostEvents];
      const int count = epoll_wait(epoll, events, kMostEvents, 30000);
      if (count == 0) fail("%d readers wait", options.connections - complete);
      for (int i = 0; i < count; ++i)
        receive((int)events[i].data.u32, &complete);
    }
    record_latency(now_ns() - began);
    tally.operations += (uint64_t)options.depth * (uint64_t)options.connections;
    drop(sender);
  } while (goes_on(until_ns));
}

const struct load fanout_load = {"fanout", open_all, run};
