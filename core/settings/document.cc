#include "core/settings/document.h"

#include <algorithm>
#include <utility>

namespace polyport {

const Node* Node::find(std::string_view wanted) const {
  const auto found = std::find_if(items.begin(), items.end(),
                                  [&](const Node& item) { return item.key == wanted; });
  return found == items.end() ? nullptr : &*found;
}

Node* Node::find(std::string_view wanted) {
  return const_cast<Node*>(std::as_const(*this).find(wanted));
}

std::string Report::where(const Place& place) const {
  if (place.override_number > 0) return overrides_[place.override_number - 1].origin;
  if (place.line == 0) return std::string(file_);
  return std::string(file_) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

void Report::add(const Place& place, ErrorCode code, std::string what, std::string hint) {
  add(place, Error{code, std::move(what), {}, std::move(hint)});
}

void Report::add(const Place& place, Error error) {
  full_ = entries_.size() >= kMaxErrors;
  if (full_) return;
  error.where = where(place);
  entries_.push_back({place, std::move(error)});
}

Errors Report::take() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.place < b.place; });
  Errors errors;
  for (Entry& entry : entries_)
    errors.push_back(std::move(entry.error));
  if (full_) {
    errors.push_back(Error{ErrorCode::kSyntax, "too many errors, the rest is not shown",
                           std::string(file_), "mend these first"});
  }
  entries_.clear();
  return errors;
}

}  // namespace polyport
