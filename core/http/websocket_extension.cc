#include "core/http/websocket_extension.h"

#include <optional>

#include "core/base/text.h"
#include "core/http/characters.h"

namespace polyport::http {
namespace {

// One extension of the list, its parameters read one by one.
//
// extension-list = 1#( token *( ";" token [ "=" ( token | quoted-string ) ] ) ), and what a
// quoted-string stands for is a token.
class ListReader {
 public:
  explicit ListReader(Bytes list) : rest_(list) {}

  // The name of the next extension, or nothing at the end of the list.
  std::optional<Bytes> next_extension() {
    skip_blanks();
    while (take(','))
      skip_blanks();
    if (rest_.empty() || !good_) return std::nullopt;
    return token();
  }

  struct Parameter {
    Bytes name;
    bool has_value = false;
    std::string value;
  };
  // The next parameter of that extension, or nothing after the last.
  std::optional<Parameter> next_parameter() {
    skip_blanks();
    if (!good_ || rest_.empty() || rest_.front() == ',') return std::nullopt;
    if (!take(';')) return fail();
    skip_blanks();
    Parameter parameter{.name = token()};
    skip_blanks();
    if (take('=')) {
      skip_blanks();
      parameter.has_value = true;
      parameter.value = take('"') ? quoted_token() : std::string(token());
    }
    return good_ ? std::optional(parameter) : std::nullopt;
  }

  bool good() const { return good_; }

 private:
  void skip_blanks() { rest_ = trim_front(rest_); }
  static Bytes trim_front(Bytes bytes) {
    const std::size_t at = bytes.find_first_not_of(" \t");
    return at == Bytes::npos ? Bytes{} : bytes.substr(at);
  }
  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::nullopt_t fail() {
    good_ = false;
    return std::nullopt;
  }

  Bytes token() {
    std::size_t size = 0;
    while (size < rest_.size() && is(kTokenCharacter, rest_[size]))
      ++size;
    if (size == 0) fail();
    const Bytes found = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return found;
  }

  std::string quoted_token() {
    std::string value;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) break;
      value += rest_.front();
      rest_.remove_prefix(1);
    }
    if (!take('"') || !is_token(value)) fail();
    return value;
  }

  Bytes rest_;
  bool good_ = true;
};

// The parameters of one offer of permessage-deflate. `fits` is false where there is one that RFC
// 7692 does not know, or twice, or with a value it must not have: such an offer is declined.
struct Offer {
  bool fits = true;
  bool server_no_context = false;
  bool client_no_context = false;
  std::optional<int> server_bits;
  bool has_client_bits = false;
  std::optional<int> client_bits;
};

std::optional<int> window_bits(const ListReader::Parameter& parameter) {
  if (parameter.value.empty() || parameter.value.front() == '0') return std::nullopt;
  return parse_number<int>(parameter.value, 8, 15);
}

void add(const ListReader::Parameter& parameter, Offer& offer) {
  const auto flag = [&](bool& seen) {
    if (seen || parameter.has_value) offer.fits = false;
    seen = true;
  };
  if (parameter.name == "server_no_context_takeover") {
    flag(offer.server_no_context);
  } else if (parameter.name == "client_no_context_takeover") {
    flag(offer.client_no_context);
  } else if (parameter.name == "server_max_window_bits") {
    if (offer.server_bits) offer.fits = false;
    offer.server_bits = window_bits(parameter);
    if (!offer.server_bits) offer.fits = false;
  } else if (parameter.name == "client_max_window_bits") {
    if (offer.has_client_bits) offer.fits = false;
    offer.has_client_bits = true;
    offer.client_bits = window_bits(parameter);
    if (parameter.has_value && !offer.client_bits) offer.fits = false;
  } else {
    offer.fits = false;
  }
}

// Our inflater takes every window, so the client's bits are only confirmed where it named some. Our
// deflater has no window of 8 bits: such an offer is declined.
bool accept(const Offer& offer, Deflate policy, DeflateAgreement& agreement) {
  if (!offer.fits || offer.server_bits == 8) return false;
  agreement.on = true;
  agreement.server_keeps_context = policy == Deflate::kContext && !offer.server_no_context;
  agreement.client_keeps_context = policy == Deflate::kContext && !offer.client_no_context;
  agreement.server_window_bits = static_cast<std::uint8_t>(offer.server_bits.value_or(15));
  agreement.answer = "permessage-deflate";
  if (!agreement.server_keeps_context) agreement.answer += "; server_no_context_takeover";
  if (!agreement.client_keeps_context) agreement.answer += "; client_no_context_takeover";
  if (offer.server_bits) {
    agreement.answer += "; server_max_window_bits=" + std::to_string(*offer.server_bits);
  }
  if (offer.client_bits) {
    agreement.answer += "; client_max_window_bits=" + std::to_string(*offer.client_bits);
  }
  return true;
}

}  // namespace

bool negotiate_deflate(Bytes offers, Deflate policy, DeflateAgreement& agreement) {
  agreement = {};
  ListReader list(offers);
  while (const auto name = list.next_extension()) {
    const bool known = *name == "permessage-deflate";
    Offer offer;
    while (const auto parameter = list.next_parameter()) {
      if (known) add(*parameter, offer);
    }
    if (known && list.good() && policy != Deflate::kOff && !agreement.on) {
      accept(offer, policy, agreement);
    }
  }
  if (!list.good()) agreement = {};
  return list.good();
}

}  // namespace polyport::http
