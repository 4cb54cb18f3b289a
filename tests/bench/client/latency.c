#include "latency.h"

#include <string.h>

#include "client.h"

enum { kStepBits = 6, kSteps = 1 << kStepBits, kOctaves = 40 };

static uint64_t counts[kOctaves * kSteps];
static uint64_t total, worst;

void clear_latencies(void) {
  memset(counts, 0, sizeof counts);
  total = worst = 0;
}

void record_latency(uint64_t ns) {
  if (ns < kSteps) ns = kSteps;
  const int octave = 63 - __builtin_clzll(ns) - kStepBits;
  const size_t place = (size_t)octave * kSteps + (ns >> octave) - kSteps;
  ++counts[place < kOctaves * kSteps ? place : kOctaves * kSteps - 1];
  ++total;
  if (ns > worst) worst = ns;
}

double latency_us(double part) {
  if (total == 0) return 0;
  if (part >= 1) return worst / 1e3;
  const uint64_t wanted = (uint64_t)(total * part);
  uint64_t seen = 0;
  for (size_t place = 0; place < kOctaves * kSteps; ++place) {
    seen += counts[place];
    if (seen > wanted) return (double)((kSteps + place % kSteps) << (place / kSteps)) / 1e3;
  }
  return worst / 1e3;
}
