// Authentication: basic, hidden basic, bearer, digest. The credentials stand in the path: this is
// for testing clients, and keeps no secret.
#include "core/base/text.h"
#include "core/http/base64.h"
#include "core/http/characters.h"
#include "services/http/digest_auth.h"
#include "services/http/endpoints.h"
#include "services/http/jwt.h"

namespace polyport::services::http {
namespace {

using Body = Route::Body;
using In = RouteParameter::In;

std::string verdict_json(bool good, std::string_view user) {
  return json_object([&](JsonWriter& json) {
    json.field("authenticated", good);
    json.field("user", user);
    json.field("authorized", good);  // as older versions of go-httpbin name it
  });
}

// --- basic (RFC 7617) ----------------------------------------------------------------------------

struct Credentials {
  std::string user, password;
};

Credentials basic_credentials(const Request& request) {
  constexpr Bytes kScheme = "Basic ";
  const Bytes value = request.value("Authorization");
  if (value.size() < kScheme.size() ||
      !equals_ignoring_case(value.substr(0, kScheme.size()), kScheme)) {
    return {};
  }
  const auto text =
      polyport::http::decode_base64(polyport::http::trim_blanks(value.substr(kScheme.size())));
  const std::size_t colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos) return {};
  return {text->substr(0, colon), text->substr(colon + 1)};
}

bool matches(const Credentials& given, Call& call) {
  return equals_in_constant_time(given.user, call.path("user")) &&
         equals_in_constant_time(given.password, call.path("password"));
}

void basic(Call& call) {
  const Credentials given = basic_credentials(call.request());
  if (matches(given, call)) return call.json(verdict_json(true, given.user));
  call.json(verdict_json(false, given.user), 401,
            {{"WWW-Authenticate", "Basic realm=\"Fake Realm\""}});
}

void hidden_basic(Call& call) {
  const Credentials given = basic_credentials(call.request());
  if (matches(given, call)) return call.json(verdict_json(true, given.user));
  call.error(404, "there is nothing at this path");
}

// --- bearer (RFC 6750) ---------------------------------------------------------------------------

void bearer(Call& call) {
  const std::string token(bearer_token(call.request()));
  if (token.empty()) {
    return call.error(401, "send Authorization: Bearer TOKEN", {{"WWW-Authenticate", "Bearer"}});
  }
  call.json(json_object([&](JsonWriter& json) {
    json.field("authenticated", true);
    json.field("token", token);
    write_jwt(json, call.request());
  }));
}

// --- digest --------------------------------------------------------------------------------------

// How often a nonce is good, as httpbin has it: a number, or "never" stale.
bool read_stale_after(Call& call, std::string_view text, std::optional<std::uint64_t>& uses) {
  if (text.empty() || equals_ignoring_case(text, "never")) return true;
  uses = parse_number<std::uint64_t>(text, 0, 1'000'000);
  if (!uses) {
    call.bad("stale_after", quoted(text, 60) + " is neither \"never\" nor a number up to 1000000");
  }
  return uses.has_value();
}

bool is_true(std::string_view text) {
  return text == "1" || equals_ignoring_case(text, "t") || equals_ignoring_case(text, "true");
}

// For clients that must carry a cookie from the challenge to the answer (httpbin's require-cookie).
bool lacks_cookie(Call& call) {
  return is_true(call.arguments().value("require-cookie")) &&
         call.request().value("Cookie").find("fake=fake_value") == Bytes::npos;
}

void answer_digest(Call& call, std::string_view algorithm, std::string_view stale_after) {
  static const DigestAuth auth;
  DigestPolicy policy{.user = call.path("user"), .password = call.path("password")};
  const std::string qop = to_lower(call.path("qop"));
  if (qop != "auth" && qop != "auth-int") {
    return call.bad("qop", quoted(qop, 60) + " is neither auth nor auth-int");
  }
  policy.qop = qop == "auth" ? Qop::kAuth : Qop::kAuthInt;
  const auto hash = digest_hash(algorithm, policy.algorithm);
  if (!hash) {
    return call.bad("algorithm",
                    quoted(algorithm, 60) + " is none of MD5, SHA-256, SHA-512, SHA-512-256");
  }
  policy.hash = *hash;
  std::optional<std::uint64_t> uses;
  if (!read_stale_after(call, stale_after, uses)) return;
  const auto verdict = auth.check(call.request(), policy, uses);
  const bool cookie_is_missing = lacks_cookie(call);
  if (verdict == DigestAuth::Verdict::kGood && !cookie_is_missing) {
    return call.json(verdict_json(true, policy.user));
  }
  const bool stale = verdict == DigestAuth::Verdict::kStale;
  const std::string challenge = auth.challenge(policy, stale);
  std::vector<Header> headers = {{"WWW-Authenticate", challenge}};
  if (cookie_is_missing) headers.push_back({"Set-Cookie", "fake=fake_value; Path=/"});
  call.exchange().respond_error(
      401, stale ? Bytes("the nonce is stale: try again with the new one") : Bytes{}, headers);
}

void digest_md5(Call& call) {
  answer_digest(call, "MD5", "");
}

void digest_with_algorithm(Call& call) {
  answer_digest(call, call.path("algorithm"), "");
}

void digest_stale(Call& call) {
  answer_digest(call, call.path("algorithm"), call.path("stale_after"));
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kUser{.name = "user", .in = In::kPath, .help = "the name to expect"};
constexpr RouteParameter kPassword{
    .name = "password", .in = In::kPath, .help = "the password to expect"};
constexpr RouteParameter kQop{.name = "qop", .in = In::kPath, .help = "auth or auth-int"};
constexpr RouteParameter kAlgorithm{
    .name = "algorithm", .in = In::kPath, .help = "MD5, SHA-256, SHA-512 or SHA-512-256"};
constexpr RouteParameter kBasic[] = {kUser, kPassword};
constexpr RouteParameter kCookie{.name = "require-cookie",
                                 .type = "boolean",
                                 .fallback = "false",
                                 .help = "true: the cookie of the challenge must come back too"};
constexpr RouteParameter kDigest[] = {kQop, kUser, kPassword, kCookie};
constexpr RouteParameter kDigestAlgorithm[] = {kQop, kUser, kPassword, kAlgorithm, kCookie};
constexpr RouteParameter kDigestStale[] = {
    kQop,
    kUser,
    kPassword,
    kAlgorithm,
    {.name = "stale_after",
     .in = In::kPath,
     .help = "how often a nonce is good, 0 to 1000000, or never: then the challenge says stale"}};

}  // namespace

std::span<const Route> auth_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/basic-auth/{user}/{password}", "basic authentication, else 401", basic, kBasic,
       "/basic-auth/me/secret"},
      {"*", "/hidden-basic-auth/{user}/{password}", "basic authentication, else 404", hidden_basic,
       kBasic, "/hidden-basic-auth/me/secret"},
      {"*", "/bearer", "a bearer token, else 401; a JWT is taken apart", bearer},
      {"*", "/digest-auth/{qop}/{user}/{password}", "digest authentication with MD5", digest_md5,
       kDigest, "/digest-auth/auth/me/secret", Body::kBuffer},
      {"*", "/digest-auth/{qop}/{user}/{password}/{algorithm}", "the same with another algorithm",
       digest_with_algorithm, kDigestAlgorithm, "/digest-auth/auth/me/secret/SHA-256",
       Body::kBuffer},
      {"*", "/digest-auth/{qop}/{user}/{password}/{algorithm}/{stale_after}",
       "the same with nonces that become stale", digest_stale, kDigestStale,
       "/digest-auth/auth/me/secret/SHA-256/5", Body::kBuffer},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
