// X.509: keys and certificates of a development CA, made and read through libcrypto (RFC 5280).
//
// ECDSA over P-256 only. Nothing here touches a file; what is stored where, and when a certificate
// is made anew, is in development_ca.h. Not for the certificates that users bring: those are
// OpenSSL's affair.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

struct evp_pkey_st;
struct x509_st;

namespace polyport::x509 {

struct KeyFree {
  void operator()(evp_pkey_st* key) const;
};
struct CertificateFree {
  void operator()(x509_st* certificate) const;
};
using Key = std::unique_ptr<evp_pkey_st, KeyFree>;
using Certificate = std::unique_ptr<x509_st, CertificateFree>;

using Seconds = std::chrono::sys_seconds;
struct Validity {
  Seconds from;
  Seconds until;
};

// Text that is wiped from memory with its last owner: a private key as PEM.
struct WipedFree {
  void operator()(std::string* text) const;
};
using SecretText = std::unique_ptr<std::string, WipedFree>;
SecretText secret(std::string text);

// Null where libcrypto refuses.
Key make_key();
// Null where the text is no private key over P-256. No pass phrase is ever asked for.
Key read_key(std::string_view pem);
SecretText key_pem(const Key& key);

// The first certificate of the text; null where there is none.
Certificate read_certificate(std::string_view pem);
std::string certificate_pem(const Certificate& certificate);

// A DNS name ("*" as its first label is one) in lower case, or an IP address in its usual form;
// the error says what is wrong.
Result<std::string> check_name(std::string_view name);

struct AuthoritySubject {
  std::string name;       // what trust stores show
  std::string host_name;  // it may sign for this name, too; empty: for none
};
// A self-signed CA that may sign servers only, and of those only names that mean a machine near by:
// localhost, host_name, the domains .test .local .internal .home.arpa, and addresses that are not
// of the public Internet.
Certificate make_authority(const Key& key, const AuthoritySubject& subject, Validity validity);

struct Authority {
  const Certificate& certificate;
  const Key& key;
};
// A server's certificate for `key`, for these names (each as check_name gives it).
Certificate issue(const Authority& authority, const Key& key, const std::vector<std::string>& names,
                  Validity validity);

// Whether the authority's name constraints let it sign for the name.
bool may_sign(const Certificate& authority, const std::string& name);
// Whether it is a CA with name constraints, which nobody but make_authority makes here.
bool is_constrained_authority(const Certificate& certificate);
bool is_signed_by(const Certificate& certificate, const Certificate& authority);
bool belongs(const Certificate& certificate, const Key& key);
Validity validity(const Certificate& certificate);
// The common name of the subject, or of the issuer; empty where there is none.
std::string subject_name(const Certificate& certificate);
std::string issuer_name(const Certificate& certificate);
// SHA-256 over the certificate: "AB:CD:…", as browsers show it.
std::string fingerprint(const Certificate& certificate);

}  // namespace polyport::x509
