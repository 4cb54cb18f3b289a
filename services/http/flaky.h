// Flaky: how often each key of /flaky has been asked for. Bounded: the key that was asked for
// longest ago is forgotten for a new one.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

namespace polyport::services::http {

class Flaky {
 public:
  static constexpr std::size_t kMostKeys = 10'000;
  static constexpr std::size_t kMostKeyBytes = 256;

  // Counts a request for the key, which has at most kMostKeyBytes; how many there were, this one
  // included.
  std::uint64_t count(const std::string& key);
  void forget(const std::string& key);
  std::size_t size() const { return places_.size(); }

 private:
  struct Entry {
    std::string key;
    std::uint64_t requests = 0;
  };
  std::list<Entry> entries_;  // the one asked for last is first
  std::unordered_map<std::string, std::list<Entry>::iterator> places_;
};

}  // namespace polyport::services::http
