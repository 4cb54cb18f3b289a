#include "core/http/head_writer.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace polyport::http {
namespace {

// Names and values are short: comparing them in place is faster than asking memcmp a dozen times.
bool is_equal(Bytes a, Bytes b) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  const auto differ = [&](std::size_t at) {
    std::uint64_t left, right;
    std::memcpy(&left, a.data() + at, kWord);
    std::memcpy(&right, b.data() + at, kWord);
    return left != right;
  };
  if (size < kWord) {
    std::size_t at = 0;
    while (at < size && a[at] == b[at])
      ++at;
    return at == size;
  }
  for (std::size_t at = 0; at < size - kWord; at += kWord) {
    if (differ(at)) return false;
  }
  return !differ(size - kWord);  // may overlap what was compared before
}

bool are_same(std::span<const Header> left, std::span<const Header> right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const Header& a, const Header& b) {
                      return is_equal(a.name, b.name) && is_equal(a.value, b.value);
                    });
}

// The fields as views into `words`, which must not have to grow.
std::vector<Header>& copy_fields(std::span<const Header> fields, std::string& words,
                                 std::vector<Header>& into) {
  const auto copy = [&words](Bytes bytes) {
    const std::size_t at = words.size();
    words.append(bytes);
    return Bytes(words).substr(at);
  };
  into.clear();
  for (const Header& field : fields) {
    const Bytes name = copy(field.name);
    into.push_back({name, copy(field.value)});
  }
  return into;
}

}  // namespace

// All but what the date says.
bool HeadWriter::is_same(const Known& known, const ResponseHead& head) {
  const ResponseHead& before = known.head;
  return before.status == head.status && before.length == head.length &&
         before.framing == head.framing && before.persistence == head.persistence &&
         before.date.size() == head.date.size() && is_equal(before.server, head.server) &&
         are_same(before.headers, head.headers) &&
         ((head.common.fixed && head.common.fields.data() == known.fixed_common &&
           head.common.fields.size() == before.common.fields.size()) ||
          are_same(before.common.fields, head.common.fields));
}

void HeadWriter::keep(Known& known, const ResponseHead& head) {
  known.words.clear();
  known.words.reserve(kMostHead);
  known.head = head;
  known.words.append(head.server);
  known.head.server = known.words;
  known.head.headers = copy_fields(head.headers, known.words, known.headers);
  known.head.common.fields = copy_fields(head.common.fields, known.words, known.common);
  known.fixed_common = head.common.fixed ? head.common.fields.data() : nullptr;
  known.size = static_cast<std::size_t>(write_head(head, known.text.data()) - known.text.data());
  // No value before it can hold a CR.
  constexpr Bytes kDate = "\r\nDate: ";
  known.date_at = Bytes(known.text.data(), known.size).find(kDate) + kDate.size();
  known.head.date = Bytes(known.text.data() + known.date_at, head.date.size());
}

HeadWriter::Written HeadWriter::write(const ResponseHead& head, Bytes body) {
  const auto status = static_cast<std::size_t>(head.status);
  std::unique_ptr<Known>& slot = known_[(status + head.length + head.headers.size()) % kSlots];
  if (slot && is_same(*slot, head)) {
    std::memcpy(slot->text.data() + slot->date_at, head.date.data(), head.date.size());
  } else {
    const std::size_t bound = size_bound(head);
    if (bound > kMostHead) return write_large(head, bound);
    if (!slot) slot = std::make_unique<Known>();
    keep(*slot, head);
  }
  Known& known = *slot;
  const bool has_body = body.size() <= kMostBody;
  std::size_t size = known.size;
  if (has_body) size += body.copy(known.text.data() + size, body.size());
  return {Bytes(known.text.data(), size), has_body};
}

HeadWriter::Written HeadWriter::write_large(const ResponseHead& head, std::size_t bound) {
  large_.resize(bound);
  const char* const end = write_head(head, large_.data());
  return {Bytes(large_.data(), static_cast<std::size_t>(end - large_.data())), false};
}

}  // namespace polyport::http
