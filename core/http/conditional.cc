#include "core/http/conditional.h"

#include "core/http/date.h"

namespace polyport::http {
namespace {

bool is_weak(Bytes etag) {
  return etag.starts_with("W/");
}

Bytes opaque(Bytes etag) {
  return is_weak(etag) ? etag.substr(2) : etag;
}

bool same(Bytes left, Bytes right, Comparison comparison) {
  if (comparison == Comparison::kStrong && (is_weak(left) || is_weak(right))) return false;
  return opaque(left) == opaque(right);
}

// Takes one entity tag off the list; nothing where none begins. A tag may hold commas.
Bytes take_etag(Bytes& list) {
  const std::size_t open = list.starts_with("W/") ? 2 : 0;
  if (open >= list.size() || list[open] != '"') return {};
  const std::size_t end = list.find('"', open + 1);
  if (end == Bytes::npos) return {};
  const Bytes etag = list.substr(0, end + 1);
  list.remove_prefix(end + 1);
  return etag;
}

// Whether the answer is newer than the date in that header; nothing where there is no such date.
std::optional<bool> is_newer(const Request& request, Bytes header, std::time_t modified) {
  const Header* const field = request.find(header);
  if (field == nullptr) return std::nullopt;
  const auto date = parse_date(field->value);
  if (!date) return std::nullopt;
  return modified > *date;
}

}  // namespace

bool has_etag(Bytes list, Bytes etag, Comparison comparison) {
  if (list == "*") return true;
  while (!list.empty()) {
    const Bytes one = take_etag(list);
    if (one.empty()) {
      list.remove_prefix(1);  // a blank, a comma, or what is no tag
    } else if (same(one, etag, comparison)) {
      return true;
    }
  }
  return false;
}

Precondition evaluate(const Request& request, const Validators& validators) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (const Header* match = request.find("If-Match")) {
    if (!has_etag(match->value, validators.etag, Comparison::kStrong)) return Precondition::kFailed;
  } else if (validators.last_modified) {
    if (is_newer(request, "If-Unmodified-Since", *validators.last_modified).value_or(false)) {
      return Precondition::kFailed;
    }
  }
  if (const Header* none = request.find("If-None-Match")) {
    if (!has_etag(none->value, validators.etag, Comparison::kWeak)) return Precondition::kHolds;
    return reads ? Precondition::kNotModified : Precondition::kFailed;
  }
  if (reads && validators.last_modified) {
    if (!is_newer(request, "If-Modified-Since", *validators.last_modified).value_or(true)) {
      return Precondition::kNotModified;
    }
  }
  return Precondition::kHolds;
}

bool range_applies(const Request& request, const Validators& validators) {
  const Header* const field = request.find("If-Range");
  if (field == nullptr) return true;
  if (field->value.starts_with('"') || is_weak(field->value)) {
    return same(field->value, validators.etag, Comparison::kStrong);
  }
  const auto date = parse_date(field->value);
  return date && validators.last_modified && *date == *validators.last_modified;
}

}  // namespace polyport::http
