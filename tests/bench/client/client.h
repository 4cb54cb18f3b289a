// What the kinds of load of the bench's client share: options, clock, sockets, latencies.
//
// A kind of load gets ready once, and then runs as often and as long as it is told. It compares the
// bytes that come back, and ends the program at the first wrong one: a fast wrong answer must not
// win. Not compared are the value of a Date, with --any-body the bodies (only their length is), and
// what a chat says before a run and to the sender. A datagram that comes after all, behind the one
// that was sent in its place, is passed over.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct options {
  int port;
  int connections;      // of TLS, where it is more than one: those that stay idle meanwhile
  int depth;            // requests on the way on one connection, lines in one burst
  int rate;             // operations that begin each second, of loads that have a schedule
  const char* dialect;  // of fan-out: "chat", "redis", "raw"
  int any_body;         // bodies may differ between answers of one length
  int resume;           // TLS: a second handshake goes on with the first one's session
  char* request;        // as it goes out
  size_t request_bytes;
  char* body;  // what an answer's body must be, or NULL
  size_t body_bytes;
};
extern struct options options;

struct load {
  const char* name;
  void (*open)(void);
  // Returns with every answer here. Of what was sent twice (UDP) one may still be on its way.
  void (*run)(uint64_t until_ns);
};
extern const struct load exchange_load, close_load, echo_load, stream_load, udp_load, fanout_load,
    paced_load, connects_load, tls_load;

// What a run counts.
struct tally {
  uint64_t operations;
  uint64_t lost;  // datagrams that had to be sent again
};
extern struct tally tally;

void record_latency(uint64_t ns);
// Whether the next operation may begin: the time is not over, nor the number that was asked for.
int goes_on(uint64_t until_ns);

uint64_t now_ns(void);
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char* format, ...);
void* allocate(size_t bytes);  // zeroed

// One operation after the other on each of `count` sockets that `epoll` watches by their index.
struct rounds {
  int epoll;
  int count;
  int patience_ms;
  void (*begin)(int index);
  int (*event)(int index, uint32_t events);  // true: the operation is complete
  void (*silence)(int running);              // nothing came for patience_ms, and so many wait
};
void run_rounds(const struct rounds* rounds, uint64_t until_ns);
void no_silence(int running);                      // as above: ends the program
void fill_message(uint64_t* words, size_t count);  // with bytes that no message had before

int connect_tcp(void);  // blocking connect, then non-blocking
void watch(int epoll, int fd, uint32_t events, int index);
void send_all(int fd, const char* data, size_t bytes);  // waits where the kernel takes no more
void receive_all(int fd, char* data, size_t bytes);     // waits for all of them
int wait_readable(int fd, int timeout_ms);              // 0 where nothing came

// The answer that all others must equal, learned from the first one.
struct answer {
  char* bytes;
  size_t size;
  size_t date, date_end;  // the value of its Date header, which may change
  size_t body;            // where the body begins
};
// Takes the first answer in `data` apart. 0 where it is not whole yet.
int learn_answer(struct answer* answer, const char* data, size_t size, int ended);
// Compares bytes with those of a row of such answers from `offset` of the first on.
extern size_t answer_bytes_seen;  // of the one that was learned last, for the report
void check_answer(const struct answer* answer, size_t offset, const char* data, size_t size);
