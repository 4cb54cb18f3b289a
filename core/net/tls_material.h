// What a TLS port proves itself with, and whom it believes: certificates and keys in PEM files.
//
// Reading blocks, so it happens at start, in commands, and when a file has changed. Every way a
// file can be wrong has its own sentence. How they are used is decided in core/net/tls_context.h.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

struct evp_pkey_st;
struct x509_st;

namespace polyport {

// A certificate with its chain, and its key; one file may hold both, then `key` is empty.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string where;  // the place of the setting that names them

  const std::string& key_file() const { return key.empty() ? certificate : key; }
  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

struct FreeTlsObject {
  void operator()(x509_st* certificate) const;
  void operator()(evp_pkey_st* key) const;
};
using X509Pointer = std::unique_ptr<x509_st, FreeTlsObject>;
using KeyPointer = std::unique_ptr<evp_pkey_st, FreeTlsObject>;

struct TlsCertificate {
  TlsFiles files;
  X509Pointer leaf;
  std::vector<X509Pointer> chain;  // those behind it in the file
  KeyPointer key;

  // "localhost, *.example.com", from its alternative names, else its common name.
  std::string names() const;
  // Whether a client that asks for `name` may be shown it; without wildcards only where it says the
  // name itself.
  enum class Wildcards : std::uint8_t { kNo, kYes };
  bool is_for(const std::string& name, Wildcards wildcards) const;
  // "has expired on 2026-01-01", or that it is not valid yet; empty where all is well.
  std::string complaint(std::time_t now) const;
};

// Both files read and matched. The error's place is that of `files`.
Result<TlsCertificate> read_tls_certificate(const TlsFiles& files);
// The certificates of a PEM file, at least one: those that sign what clients show.
Result<std::vector<X509Pointer>> read_certificates(const std::string& path,
                                                   const std::string& where);

// The same from text; `path` is for messages.
Result<std::vector<X509Pointer>> parse_certificates(Bytes pem, const std::string& path);
Result<KeyPointer> parse_private_key(Bytes pem, const std::string& path);

// Enough of a file to see that it has changed.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp stamp_of(const std::string& path);  // all zero where there is none

// "2026-01-31T12:00:00Z" of a certificate's dates; empty where it cannot be told.
std::string valid_from(const x509_st& certificate);
std::string valid_until(const x509_st& certificate);
// Distinguished names as "CN=localhost,O=Example" (RFC 2253), UTF-8.
std::string subject_of(const x509_st& certificate);
std::string issuer_of(const x509_st& certificate);
// SHA-256 of the certificate as lower-case hex, without colons.
std::string fingerprint_of(const x509_st& certificate);
std::string serial_of(const x509_st& certificate);  // hex
std::vector<std::string> alternative_names_of(const x509_st& certificate);

// What OpenSSL has noted last on this thread, as its own words: "no shared cipher". Clears it.
std::string take_openssl_error();

}  // namespace polyport
