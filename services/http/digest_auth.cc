#include "services/http/digest_auth.h"

#include <map>
#include <vector>

#include "core/base/text.h"
#include "core/http/characters.h"
#include "core/http/parameters.h"

namespace polyport::services::http {
namespace {

using Fields = std::map<std::string, std::string, std::less<>>;

// The parameters of "Digest username=…, …" by their names in small letters; nothing where the
// header is none, malformed, or names one twice.
std::optional<Fields> read_credentials(Bytes value) {
  constexpr Bytes kScheme = "Digest ";
  if (value.size() < kScheme.size() ||
      !equals_ignoring_case(value.substr(0, kScheme.size()), kScheme)) {
    return std::nullopt;
  }
  Bytes rest = value.substr(kScheme.size());
  Fields fields;
  while (auto parameter = polyport::http::next_parameter(rest, ',')) {
    if (!fields.emplace(to_lower(parameter->name), std::move(parameter->value)).second) {
      return std::nullopt;
    }
  }
  if (!polyport::http::trim_blanks(rest).empty()) return std::nullopt;
  return fields;
}

std::string_view field(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view{} : std::string_view(found->second);
}

std::string joined(const std::vector<std::string_view>& parts) {
  std::string text(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i)
    text.append(":").append(parts[i]);
  return text;
}

std::string_view name(Qop qop) {
  return qop == Qop::kAuth ? "auth" : "auth-int";
}

// RFC 7616 section 3.4.1, with a qop.
std::string expected_response(const Fields& fields, const DigestPolicy& policy,
                              const polyport::http::Request& request) {
  const std::string a1 = joined({policy.user, DigestAuth::kRealm, policy.password});
  std::string a2 = joined({request.method, field(fields, "uri")});
  if (policy.qop == Qop::kAuthInt) a2 += ":" + hex_digest(policy.hash, request.body);
  const std::string first = hex_digest(policy.hash, a1);
  const std::string last = hex_digest(policy.hash, a2);
  return hex_digest(policy.hash, joined({first, field(fields, "nonce"), field(fields, "nc"),
                                         field(fields, "cnonce"), field(fields, "qop"), last}));
}

// The count of uses: eight hexadecimal digits.
std::optional<std::uint64_t> read_count(std::string_view text) {
  if (text.size() != 8 || !polyport::http::all(polyport::http::kHexDigit, text)) {
    return std::nullopt;
  }
  std::uint64_t count = 0;
  for (const char digit : text)
    count = count * 16 + static_cast<std::uint64_t>(polyport::http::hex_value(digit));
  return count;
}

}  // namespace

std::optional<Hash> digest_hash(std::string_view algorithm, std::string_view& name) {
  constexpr std::pair<std::string_view, Hash> kNames[] = {{"MD5", Hash::kMd5},
                                                          {"SHA-256", Hash::kSha256},
                                                          {"SHA-512", Hash::kSha512},
                                                          {"SHA-512-256", Hash::kSha512_256}};
  for (const auto& known : kNames) {
    if (!equals_ignoring_case(algorithm, known.first)) continue;
    name = known.first;
    return known.second;
  }
  return std::nullopt;
}

std::string DigestAuth::nonce(const std::string& number) const {
  return number + "-" + hex_digest(Hash::kSha256, key_ + number).substr(0, 32);
}

bool DigestAuth::is_ours(std::string_view text) const {
  return equals_in_constant_time(text, nonce(std::string(text.substr(0, text.find('-')))));
}

DigestAuth::Verdict DigestAuth::check(const polyport::http::Request& request,
                                      const DigestPolicy& policy,
                                      std::optional<std::uint64_t> uses) const {
  const auto fields = read_credentials(request.value("Authorization"));
  if (!fields) return Verdict::kNone;
  const std::string_view algorithm = field(*fields, "algorithm");
  const auto count = read_count(field(*fields, "nc"));
  const bool sound = field(*fields, "username") == policy.user &&
                     field(*fields, "realm") == kRealm && field(*fields, "uri") == request.target &&
                     field(*fields, "qop") == name(policy.qop) && count &&
                     !field(*fields, "cnonce").empty() && is_ours(field(*fields, "nonce")) &&
                     (equals_ignoring_case(algorithm, policy.algorithm) ||
                      (algorithm.empty() && policy.hash == Hash::kMd5));
  if (!sound) return Verdict::kNone;
  const std::string expected = expected_response(*fields, policy, request);
  if (expected.empty() ||
      !equals_in_constant_time(to_lower(field(*fields, "response")), expected)) {
    return Verdict::kNone;
  }
  return uses && *count > *uses ? Verdict::kStale : Verdict::kGood;
}

std::string DigestAuth::challenge(const DigestPolicy& policy, bool stale) const {
  std::string text = "Digest realm=\"" + std::string(kRealm) + "\", nonce=\"" +
                     nonce(hex(random_bytes(8))) + "\", opaque=\"" +
                     hex_digest(Hash::kSha256, key_ + "opaque").substr(0, 32) +
                     "\", algorithm=" + std::string(policy.algorithm) + ", qop=\"" +
                     std::string(name(policy.qop)) + "\"";
  if (stale) text += ", stale=true";
  return text;
}

}  // namespace polyport::services::http
