#include "core/http/accept.h"

#include "core/base/text.h"
#include "core/http/characters.h"

namespace polyport::http {
namespace {

// 0: no match; 1: "*/*"; 2: "text/*"; 3: the type itself.
int specificity(Bytes range, Bytes type) {
  if (equals_ignoring_case(range, type)) return 3;
  if (range == "*/*") return 1;
  const std::size_t slash = type.find('/');
  if (slash == Bytes::npos || range.size() != slash + 2 || !range.ends_with("/*")) return 0;
  return equals_ignoring_case(range.substr(0, slash), type.substr(0, slash)) ? 2 : 0;
}

// "0.85" in thousandths; a malformed weight counts as 1.
int weight(Bytes text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 1000;
  if (text[0] == '1') return 1000;
  int thousandths = 0;
  int unit = 100;
  for (std::size_t i = 2; i < text.size() && i < 5 && text[1] == '.'; ++i, unit /= 10) {
    if (!is(kDigit, text[i])) return 1000;
    thousandths += (text[i] - '0') * unit;
  }
  return thousandths;
}

int weight_of(Bytes parameters) {
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const Bytes parameter = trim_blanks(parameters.substr(0, end));
    if (parameter.size() >= 2 && (parameter[0] | 0x20) == 'q' && parameter[1] == '=') {
      return weight(parameter.substr(2));
    }
    parameters = end == Bytes::npos ? Bytes{} : parameters.substr(end + 1);
  }
  return 1000;
}

}  // namespace

int quality(Bytes accept, Bytes type) {
  if (accept.empty()) return 1000;
  int best = 0;
  int result = 0;
  for_each_element(accept, [&](Bytes element) {
    const std::size_t end = element.find(';');
    const int match = specificity(trim_blanks(element.substr(0, end)), type);
    if (match <= best) return;
    best = match;
    result = weight_of(end == Bytes::npos ? Bytes{} : element.substr(end + 1));
  });
  return result;
}

std::optional<int> coding_quality(Bytes accept_encoding, Bytes coding) {
  std::optional<int> result;
  for_each_element(accept_encoding, [&](Bytes element) {
    const std::size_t end = element.find(';');
    if (result || !equals_ignoring_case(trim_blanks(element.substr(0, end)), coding)) return;
    result = weight_of(end == Bytes::npos ? Bytes{} : element.substr(end + 1));
  });
  return result;
}

Bytes preferred_type(Bytes accept, std::initializer_list<Bytes> types) {
  Bytes chosen = *types.begin();
  int most = 0;
  for (const Bytes type : types) {
    const int liked = quality(accept, type);
    if (liked <= most) continue;
    most = liked;
    chosen = type;
  }
  return chosen;
}

}  // namespace polyport::http
