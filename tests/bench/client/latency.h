// Latencies of a run, in a histogram whose steps are 1.6 % wide.
#pragma once

void clear_latencies(void);
double latency_us(double part);  // of all: 0.5 is the median, 1 the worst; 0 where there is none
