// The floor of HTTP: floor_http ANSWER_FILE [close]. Every request is answered with the bytes of the
// file, however many came in one read with one write. With `close` the connection ends behind each.
//
// It looks for the end of a head and for nothing else. A request that arrives in two pieces ends the
// connection, and the client, which checks every answer, says so.
#include "floor.h"

enum { kMostPipelined = 256 };

static char input[kBufferBytes];
static char *answers;  // kMostPipelined of them, one behind the other
static size_t answer_bytes;

static void load(const char *path) {
  FILE *const file = fopen(path, "rb");
  need(file != NULL, path);
  static char answer[kBufferBytes];
  answer_bytes = fread(answer, 1, sizeof answer, file);
  fclose(file);
  answers = malloc(answer_bytes * kMostPipelined);
  need(answers != NULL && answer_bytes > 0, "an answer");
  for (int i = 0; i < kMostPipelined; ++i)
    memcpy(answers + i * answer_bytes, answer, answer_bytes);
}

static size_t count_requests(const char *data, size_t size) {
  size_t count = 0;
  const char *const end = data + size;
  while (data < end) {
    const char *const head_end = memmem(data, end - data, "\r\n\r\n", 4);
    if (head_end == NULL) return 0;
    data = head_end + 4;
    ++count;
  }
  return count;
}

// False where the connection is over.
static int serve(int fd) {
  const ssize_t size = recv(fd, input, sizeof input, 0);
  if (size < 0 && errno == EAGAIN) return 1;
  const size_t count = size > 0 ? count_requests(input, size) : 0;
  if (count == 0 || count > kMostPipelined) return 0;
  const ssize_t bytes = count * answer_bytes;
  return send(fd, answers, bytes, MSG_NOSIGNAL) == bytes;
}

int main(int argc, char **argv) {
  need(argc >= 2, "usage: floor_http ANSWER_FILE [close]");
  load(argv[1]);
  const int ends = argc > 2;
  const int listener = listen_tcp(1), epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener);
  for (;;) {
    static struct epoll_event events[kMostEvents];
    const int count = wait_for(epoll, events);
    for (int i = 0; i < count; ++i) {
      int fd = events[i].data.fd;
      if (fd != listener) {
        if (!serve(fd) || ends) close(fd);
        continue;
      }
      // Its first bytes are here (TCP_DEFER_ACCEPT), so it is read before it is watched.
      while ((fd = accept_one(listener)) >= 0) {
        if (!serve(fd) || ends) {
          close(fd);
        } else {
          watch(epoll, fd);
        }
      }
    }
  }
}
