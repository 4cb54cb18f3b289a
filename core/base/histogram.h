// Histogram: how often which value came, in buckets that grow with the value (log-linear).
//
// Every power of two is split into 128 buckets, so that a value read back is at most 0.8 % too
// large, from nanoseconds to days, in a few kilobytes. Recording is an index and an increment. Two
// histograms can be added, and an earlier state of one taken away from a later one: what lies
// between is exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace polyport {

class Histogram {
 public:
  static constexpr unsigned kBits = 7;  // of precision

  // Recording values up to this one allocates nothing from now on.
  void reserve(std::uint64_t value) { buckets_.reserve(bucket_of(value) + 1); }
  void record(std::uint64_t value, std::uint64_t times = 1);
  void add(const Histogram& other);
  // Takes away what `earlier`, a former state of this one, held already. Smallest and largest are
  // then known to their buckets only. False, and nothing is changed, where `earlier` is none.
  bool subtract(const Histogram& earlier);

  std::uint64_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  std::uint64_t smallest() const { return smallest_; }  // 0 where nothing came
  std::uint64_t largest() const { return largest_; }
  double mean() const;
  // The value that `percent` of all do not exceed, rounded up to the end of its bucket but never
  // over the largest; 0 where nothing came. 0 < percent <= 100.
  std::uint64_t percentile(double percent) const;

  // Calls visit(highest value, count) for each bucket that is not empty, from small to large.
  // record(highest value, count) gives the same bucket back.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (buckets_[i] > 0) visit(highest_of(i), buckets_[i]);
    }
  }

 private:
  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t lowest_of(std::size_t bucket);
  static std::uint64_t highest_of(std::size_t bucket);

  std::vector<std::uint64_t> buckets_;  // up to the largest that was needed
  std::uint64_t count_ = 0;
  std::uint64_t smallest_ = 0;
  std::uint64_t largest_ = 0;
  double sum_ = 0;
};

}  // namespace polyport
