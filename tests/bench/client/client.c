// The client of the bench: client KIND PORT [--connections N] [--depth N] [--request FILE] ...
//
// It opens its connections, says "ready" and how long an answer is, and then for each line "go MS" of
// its input runs so long, or for "count N" does so many operations, and prints one line of JSON. At the end of its input it leaves. So the driver decides whose turn
// it is, and reads the server's CPU time before and after, with nothing on its way.
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latency.h"

struct options options = {.connections = 1, .depth = 1, .dialect = "raw"};
struct tally tally;

static const struct load *const loads[] = {
#ifdef WITH_TLS
    &tls_load,
#else
    &exchange_load, &close_load, &echo_load, &stream_load, &udp_load, &fanout_load, &paced_load,
    &connects_load,
#endif
};

static char *read_file(const char *path, size_t *size) {
  enum { kMost = 16 << 20 };
  FILE *const file = fopen(path, "rb");
  if (file == NULL) fail("%s cannot be read", path);
  char *const data = allocate(kMost);
  *size = fread(data, 1, kMost, file);
  fclose(file);
  return data;
}

static void read_options(int argc, char **argv) {
  for (int i = 3; i < argc; ++i) {
    const char *const name = argv[i], *const value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(name, "--any-body") == 0) {
      options.any_body = 1;
      continue;
    }
    if (strcmp(name, "--resume") == 0) {
      options.resume = 1;
      continue;
    }
    if (strcmp(name, "--connections") == 0) {
      options.connections = atoi(value);
    } else if (strcmp(name, "--depth") == 0) {
      options.depth = atoi(value);
    } else if (strcmp(name, "--rate") == 0) {
      options.rate = atoi(value);
    } else if (strcmp(name, "--dialect") == 0) {
      options.dialect = value;
    } else if (strcmp(name, "--request") == 0) {
      options.request = read_file(value, &options.request_bytes);
    } else if (strcmp(name, "--body") == 0) {
      options.body = read_file(value, &options.body_bytes);
    } else {
      fail("no option %s", name);
    }
    ++i;
  }
  if (options.connections < 1 || options.depth < 1 || options.rate < 0) fail("a number is too small");
}

static uint64_t most_operations;

int goes_on(uint64_t until_ns) {
  return tally.operations < most_operations && now_ns() < until_ns;
}

static void run(const struct load *load, unsigned long ms) {
  tally = (struct tally){0};
  clear_latencies();
  const uint64_t began = now_ns();
  load->run(began + ms * 1000000);
  const uint64_t took = now_ns() - began;
  printf("{\"operations\": %llu, \"lost\": %llu, \"seconds\": %.6f, \"p50_us\": %.1f, "
         "\"p99_us\": %.1f, \"p999_us\": %.1f, \"worst_us\": %.1f}\n",
         (unsigned long long)tally.operations, (unsigned long long)tally.lost, took / 1e9,
         latency_us(0.5), latency_us(0.99), latency_us(0.999), latency_us(1));
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc < 3) fail("usage: client KIND PORT [OPTION VALUE]...");
  options.port = atoi(argv[2]);
  read_options(argc, argv);
  const struct load *load = NULL;
  for (size_t i = 0; i < sizeof loads / sizeof loads[0]; ++i)
    if (strcmp(loads[i]->name, argv[1]) == 0) load = loads[i];
  if (load == NULL) fail("no load %s", argv[1]);
  load->open();
  printf("ready %zu\n", answer_bytes_seen);
  fflush(stdout);
  char line[64];
  unsigned long number;
  while (fgets(line, sizeof line, stdin) != NULL) {
    const int counts = sscanf(line, "count %lu", &number) == 1;
    if (!counts && sscanf(line, "go %lu", &number) != 1) fail("no command: %s", line);
    most_operations = counts ? number : UINT64_MAX;
    run(load, counts ? 600000 : number);
  }
  return 0;
}
