#include "core/http/head_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/base/text.h"

namespace polyport::http {
namespace {

std::uint64_t word_at(Bytes bytes, std::size_t at) {
  std::uint64_t word;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  return word;
}

// The same views, into a copy of what they were views into.
void move_views(const std::vector<Header>& from, const char* old_place, const char* new_place,
                std::vector<Header>& into) {
  const auto moved = [&](Bytes view) {
    return view.empty() ? Bytes{} : Bytes(new_place + (view.data() - old_place), view.size());
  };
  into.clear();
  for (const Header& field : from)
    into.push_back({moved(field.name), moved(field.value)});
}

// What was told in confidence is forgotten with its request.
bool is_secret(const Header& field) {
  return equals_ignoring_case(field.name, "authorization") ||
         equals_ignoring_case(field.name, "proxy-authorization") ||
         equals_ignoring_case(field.name, "cookie");
}

}  // namespace

// Method and path: clients that differ in what they ask for have slots of their own, most often.
std::size_t HeadMemory::slot_of(Bytes head) {
  constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;
  const std::uint64_t mixed =
      (word_at(head, 0) ^ word_at(head, 5) * kMix ^ word_at(head, kKeyBytes - 8)) * kMix;
  return static_cast<std::size_t>(mixed >> 60) % kSlots;
}

HeadNote* HeadMemory::recall(Bytes input, HeadCheck& check, std::vector<Header>& fields) const {
  if (input.size() < kKeyBytes) return nullptr;
  Known* const known = known_[slot_of(input)].get();
  if (known == nullptr || !input.starts_with(Bytes(known->bytes.data(), known->size))) {
    return nullptr;
  }
  check = known->check;
  move_views(known->fields, known->bytes.data(), input.data(), fields);
  return &known->note;
}

HeadNote* HeadMemory::keep(Bytes head, const HeadCheck& check, const std::vector<Header>& fields) {
  if (head.size() < kKeyBytes || head.size() > kMostBytes) return nullptr;
  if (std::any_of(fields.begin(), fields.end(), is_secret)) return nullptr;
  std::unique_ptr<Known>& known = known_[slot_of(head)];
  if (!known) known = std::make_unique<Known>();
  known->size = head.copy(known->bytes.data(), head.size());
  known->check = check;
  move_views(fields, head.data(), known->bytes.data(), known->fields);
  known->note = {};
  return &known->note;
}

}  // namespace polyport::http
