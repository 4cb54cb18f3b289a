// Fuzzes the chat's line door: what it makes of bytes must not depend on how they are cut, and what
// reaches other members is clean.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "services/chat/clean.h"
#include "services/chat/line_reader.h"
#include "services/chat/names.h"

using namespace polyport;
using namespace polyport::services::chat;

namespace {

constexpr std::uint32_t kMost = 80;
using Items = std::vector<std::pair<LineItem::Kind, std::string>>;

Items read(Bytes input, std::size_t piece) {
  LineReader reader(kMost);
  Items items;
  while (!input.empty()) {
    Bytes part = input.substr(0, piece);
    input.remove_prefix(part.size());
    while (const auto item = reader.next(part)) {
      items.emplace_back(item->kind, item->text);
      if (item->kind == LineItem::Kind::kTls) return items;  // the door closes it
    }
  }
  if (const auto item = reader.end()) items.emplace_back(item->kind, item->text);
  return items;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(reinterpret_cast<const char*>(data), size);
  const Items items = read(input, input.size());
  POLYPORT_ASSERT(items == read(input, 1));
  POLYPORT_ASSERT(items == read(input, 7));
  for (const auto& [kind, text] : items) {
    if (kind != LineItem::Kind::kLine) continue;
    POLYPORT_ASSERT(text.size() <= kMost && is_utf8(text));
    POLYPORT_ASSERT(without_controls(text) == text && text.find('\t') == std::string::npos);
    const Words words = split_word(text);
    POLYPORT_ASSERT(words.first.size() + words.rest.size() <= text.size());
    if (is_legal_nick(words.first, 20)) {
      POLYPORT_ASSERT(shape(shape(words.first)) == shape(words.first) ||
                      shape(words.first).find_first_of("rv") != std::string::npos);
    }
  }
  return 0;
}
