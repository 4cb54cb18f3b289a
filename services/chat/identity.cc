#include "services/chat/identity.h"

#include "core/base/digest.h"
#include "core/base/text.h"
#include "services/chat/names.h"

namespace polyport::services::chat {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kProofDigits = 32;  // 128 bits

}  // namespace

Identities::Identities() : secret_(random_bytes(kSecretBytes)) {}

std::string Identities::token(std::uint64_t number) const {
  // The secret on both sides of the number: nothing can be added to either end of a known hash.
  const std::string text = std::to_string(number);
  const std::string proof = hex_digest(Hash::kSha256, secret_ + text + secret_);
  return text + "-" + proof.substr(0, kProofDigits);
}

std::optional<std::uint64_t> Identities::check(std::string_view token) const {
  const auto number = parse_number<std::uint64_t>(token.substr(0, token.find('-')));
  if (!number || !equals_in_constant_time(token, this->token(*number))) return std::nullopt;
  return number;
}

void Identities::hold(std::uint64_t number, Held held, std::uint64_t until_ms) {
  while (held_.size() >= kMostHeld && !order_.empty()) {
    const auto oldest = held_.find(order_.front().second);
    order_.pop_front();
    if (oldest != held_.end()) forget(oldest);
  }
  std::string shape = chat::shape(held.nick);
  shapes_.insert_or_assign(shape, number);
  order_.emplace_back(until_ms, number);
  held_.insert_or_assign(number, Entry{std::move(held), std::move(shape), until_ms});
}

std::optional<Identities::Held> Identities::take(std::uint64_t number) {
  const auto found = held_.find(number);
  if (found == held_.end()) return std::nullopt;
  Held held = std::move(found->second.held);
  forget(found);
  return held;
}

void Identities::expire(std::uint64_t now_ms) {
  while (!order_.empty() && order_.front().first <= now_ms) {
    const auto found = held_.find(order_.front().second);
    order_.pop_front();
    // Held again since then: that has an entry of its own further back.
    if (found != held_.end() && found->second.until_ms <= now_ms) forget(found);
  }
}

void Identities::forget(std::unordered_map<std::uint64_t, Entry>::iterator entry) {
  shapes_.erase(entry->second.shape);
  held_.erase(entry);
}

}  // namespace polyport::services::chat
