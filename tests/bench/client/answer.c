// Answers of HTTP: the first one is taken apart and looked at, all others must equal it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client.h"

size_t answer_bytes_seen;

static const char *header(const char *head, const char *name) {
  const char *const found = strcasestr(head, name);
  return found == NULL ? NULL : found + strlen(name);
}

// Its size, or 0 where it is not whole.
static size_t whole_size(const char *head, size_t body, const char *data, size_t size, int ended) {
  const char *const length = header(head, "\r\nContent-Length: ");
  if (length != NULL) {
    const size_t wanted = body + strtoul(length, NULL, 10);
    return size >= wanted ? wanted : 0;
  }
  if (header(head, "\r\nTransfer-Encoding: chunked") == NULL) return ended ? size : 0;
  // Alone on its connection: what is here ends with the last chunk, or more is to come.
  return size >= body + 5 && memcmp(data + size - 5, "0\r\n\r\n", 5) == 0 ? size : 0;
}

int learn_answer(struct answer *answer, const char *data, size_t size, int ended) {
  const char *const head_end = memmem(data, size, "\r\n\r\n", 4);
  if (head_end == NULL) return 0;
  char *const head = allocate((size_t)(head_end - data) + 1);
  memcpy(head, data, (size_t)(head_end - data));
  if (strncmp(head, "HTTP/1.1 200", 12) != 0) fail("the answer is no 200: %.300s", head);
  const size_t body = (size_t)(head_end - data) + 4;
  const size_t whole = whole_size(head, body, data, size, ended);
  if (whole != 0) {
    answer_bytes_seen = whole;
    *answer = (struct answer){.bytes = allocate(whole), .size = whole, .body = body};
    memcpy(answer->bytes, data, whole);
    const char *const date = header(head, "\r\nDate: ");
    if (date != NULL) {
      answer->date = (size_t)(date - head);
      answer->date_end = answer->date + strcspn(date, "\r");
    }
    if (options.body != NULL &&
        (whole - body != options.body_bytes || memcmp(data + body, options.body, whole - body) != 0))
      fail("another body than wanted: %.300s", answer->bytes + body);
  }
  free(head);
  return whole != 0;
}

static void compare(const struct answer *answer, size_t from, size_t to, size_t offset,
                    const char *data, size_t size) {
  const size_t begin = from > offset ? from : offset;
  const size_t end = to < offset + size ? to : offset + size;
  if (begin >= end) return;
  if (memcmp(answer->bytes + begin, data + (begin - offset), end - begin) == 0) return;
  fail("a wrong answer: %.*s", (int)(size < 600 ? size : 600), data);
}

void check_answer(const struct answer *answer, size_t offset, const char *data, size_t size) {
  offset %= answer->size;
  while (size > 0) {
    const size_t left = answer->size - offset, part = left < size ? left : size;
    compare(answer, 0, answer->date, offset, data, part);
    compare(answer, answer->date_end, options.any_body ? answer->body : answer->size, offset, data,
            part);
    data += part;
    size -= part;
    offset = 0;
  }
}
