// HTTP Digest authentication (RFC 7616), the server's side.
//
// A nonce is a random number and a keyed hash of it, so that nothing is kept between a challenge
// and its answer; how often it was used is believed from the client's own count. It is there for
// clients to be tested with, not to protect anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/digest.h"
#include "core/http/handler.h"

namespace polyport::services::http {

enum class Qop : std::uint8_t { kAuth, kAuthInt };

struct DigestPolicy {
  Qop qop = Qop::kAuth;
  Hash hash = Hash::kMd5;
  std::string_view algorithm = "MD5";  // as it is named in the challenge
  std::string user;
  std::string password;
};

// The hash of an algorithm by its name, "md5", "SHA-256", "SHA-512" or "SHA-512-256"; case is
// ignored. `name` becomes the name as the RFC writes it.
std::optional<Hash> digest_hash(std::string_view algorithm, std::string_view& name);

class DigestAuth {
 public:
  // Another worker process may have made the nonce that a client comes back with.
  DigestAuth() : key_(hex_digest(Hash::kSha256, "digest" + program_secret())) {}

  enum class Verdict : std::uint8_t {
    kGood,
    kNone,   // no or other credentials
    kStale,  // right, but for a nonce that has been used too often
  };
  // A nonce is good for so many uses (its nc); nothing: for any number.
  Verdict check(const polyport::http::Request& request, const DigestPolicy& policy,
                std::optional<std::uint64_t> uses) const;
  // The value of WWW-Authenticate.
  std::string challenge(const DigestPolicy& policy, bool stale) const;

  static constexpr std::string_view kRealm = "polyport";

 private:
  std::string nonce(const std::string& number) const;
  bool is_ours(std::string_view nonce) const;

  std::string key_;
};

}  // namespace polyport::services::http
