#include "core/base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/base/assert.h"

namespace polyport {
namespace {
constexpr std::uint64_t kPerOctave = std::uint64_t{1} << Histogram::kBits;
}

// Below 2^7 every value has its own bucket. Above, the highest eight bits of a value say where it
// belongs: a leading one, which the octave stands for, and seven more.
std::size_t Histogram::bucket_of(std::uint64_t value) {
  if (value < kPerOctave) return static_cast<std::size_t>(value);
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
  const std::uint64_t within = (value >> shift) - kPerOctave;
  return static_cast<std::size_t>((shift + 1) * kPerOctave + within);
}

std::uint64_t Histogram::lowest_of(std::size_t bucket) {
  if (bucket < kPerOctave) return bucket;
  const auto shift = static_cast<unsigned>(bucket / kPerOctave - 1);
  return (kPerOctave + bucket % kPerOctave) << shift;
}

std::uint64_t Histogram::highest_of(std::size_t bucket) {
  if (bucket < kPerOctave) return bucket;
  const auto shift = static_cast<unsigned>(bucket / kPerOctave - 1);
  return lowest_of(bucket) + (std::uint64_t{1} << shift) - 1;
}

void Histogram::record(std::uint64_t value, std::uint64_t times) {
  if (times == 0) return;
  const std::size_t bucket = bucket_of(value);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  buckets_[bucket] += times;
  smallest_ = count_ == 0 ? value : std::min(smallest_, value);
  largest_ = std::max(largest_, value);
  count_ += times;
  sum_ += static_cast<double>(value) * static_cast<double>(times);
}

void Histogram::add(const Histogram& other) {
  if (other.empty()) return;
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i)
    buckets_[i] += other.buckets_[i];
  smallest_ = count_ == 0 ? other.smallest_ : std::min(smallest_, other.smallest_);
  largest_ = std::max(largest_, other.largest_);
  count_ += other.count_;
  sum_ += other.sum_;
}

bool Histogram::subtract(const Histogram& earlier) {
  if (earlier.buckets_.size() > buckets_.size()) return false;
  for (std::size_t i = 0; i < earlier.buckets_.size(); ++i) {
    if (earlier.buckets_[i] > buckets_[i]) return false;
  }
  const std::uint64_t most = largest_;
  for (std::size_t i = 0; i < earlier.buckets_.size(); ++i)
    buckets_[i] -= earlier.buckets_[i];
  count_ -= earlier.count_;
  sum_ = std::max(0.0, sum_ - earlier.sum_);
  const auto is_used = [](std::uint64_t bucket) { return bucket > 0; };
  const auto first = std::find_if(buckets_.begin(), buckets_.end(), is_used);
  if (first == buckets_.end()) {
    *this = Histogram();
    return true;
  }
  const auto last = std::find_if(buckets_.rbegin(), buckets_.rend(), is_used);
  buckets_.erase(last.base(), buckets_.end());
  smallest_ = lowest_of(static_cast<std::size_t>(first - buckets_.begin()));
  largest_ = std::min(most, highest_of(buckets_.size() - 1));
  return true;
}

double Histogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::uint64_t Histogram::percentile(double percent) const {
  POLYPORT_ASSERT(percent > 0 && percent <= 100);
  if (count_ == 0) return 0;
  // 99.9 % of 20,000 are 19,980, and not one more because of the last bit of a product.
  constexpr double kLastBits = 1e-12;
  const double exact = std::ceil(percent / 100 * static_cast<double>(count_) * (1 - kLastBits));
  const std::uint64_t wanted =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::clamp(highest_of(i), smallest_, largest_);
  }
  return largest_;
}

}  // namespace polyport
