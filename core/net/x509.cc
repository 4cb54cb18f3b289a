#include "core/net/x509.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/socket/address.h"

namespace polyport::x509 {
namespace {

struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using Bio = std::unique_ptr<BIO, BioFree>;

constexpr std::size_t kLongestCommonName = 64;  // RFC 5280, ub-common-name
constexpr std::size_t kLongestName = 253;

// What a certificate of ours may be about, in OpenSSL's notation: RFC 6761 and 6762, the private
// domains .internal and .home.arpa (RFC 8375), and the addresses of RFC 6890 that only mean
// something near by. A name allows all names below it.
constexpr std::string_view kPermitted =
    "critical"
    ",permitted;DNS:localhost,permitted;DNS:test,permitted;DNS:local,permitted;DNS:internal"
    ",permitted;DNS:home.arpa"
    ",permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:10.0.0.0/255.0.0.0"
    ",permitted;IP:172.16.0.0/255.240.0.0,permitted;IP:192.168.0.0/255.255.0.0"
    ",permitted;IP:169.254.0.0/255.255.0.0,permitted;IP:100.64.0.0/255.192.0.0"
    ",permitted;IP:::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    ",permitted;IP:fc00::/fe00::,permitted;IP:fe80::/ffc0::";

Bio reading(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string written(const Bio& bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

// Instead of OpenSSL's own, which asks on the terminal.
int no_pass_phrase(char*, int, int, void*) {
  return 0;
}

Seconds seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return Seconds(std::chrono::seconds(::timegm(&parts)));
}

bool set_time(ASN1_TIME* time, Seconds value) {
  return ASN1_TIME_set(time, value.time_since_epoch().count()) != nullptr;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// 159 random bits: a serial number nobody can foresee, positive and of 20 bytes (section 4.1.2.2).
bool set_serial(X509* certificate) {
  std::array<unsigned char, 20> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  BIGNUM* const number = BN_bin2bn(bytes.data(), bytes.size(), nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool set_common_name(X509_NAME* subject, std::string_view name) {
  const std::string text(name.substr(0, kLongestCommonName));
  return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

// What every certificate has before its extensions.
Certificate begin(evp_pkey_st* key, std::string_view name, Validity validity) {
  Certificate certificate(X509_new());
  X509* const raw = certificate.get();
  const bool good = raw != nullptr && X509_set_version(raw, X509_VERSION_3) == 1 &&
                    set_serial(raw) && set_time(X509_getm_notBefore(raw), validity.from) &&
                    set_time(X509_getm_notAfter(raw), validity.until) &&
                    set_common_name(X509_get_subject_name(raw), name) &&
                    X509_set_pubkey(raw, key) == 1;
  return good ? std::move(certificate) : nullptr;
}

bool add_names(X509* certificate, const std::vector<std::string>& names) {
  GENERAL_NAMES* const all = sk_GENERAL_NAME_new_null();
  bool good = all != nullptr;
  for (const std::string& name : names) {
    const int type = Address::parse_ip(name) ? GEN_IPADD : GEN_DNS;
    // Not through add_extension: its notation would read commas in a name as the next one.
    GENERAL_NAME* const entry =
        good ? a2i_GENERAL_NAME(nullptr, nullptr, nullptr, type, name.c_str(), 0) : nullptr;
    good = entry != nullptr && sk_GENERAL_NAME_push(all, entry) > 0;
    if (entry != nullptr && !good) GENERAL_NAME_free(entry);
  }
  good = good && X509_add1_ext_i2d(certificate, NID_subject_alt_name, all, 0, 0) == 1;
  GENERAL_NAMES_free(all);
  return good;
}

std::string common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  const X509_NAME_ENTRY* const entry = at < 0 ? nullptr : X509_NAME_get_entry(name, at);
  if (entry == nullptr) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
  if (size < 0) return {};
  std::string result(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return result;
}

bool is_label(std::string_view label) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), fits);
}

}  // namespace

void KeyFree::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

void CertificateFree::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

void WipedFree::operator()(std::string* text) const {
  if (text != nullptr) OPENSSL_cleanse(text->data(), text->size());
  delete text;
}

SecretText secret(std::string text) {
  SecretText kept(new std::string(std::move(text)));
  OPENSSL_cleanse(text.data(), text.size());  // a short one was copied and not moved
  return kept;
}

Key make_key() {
  return Key(EVP_EC_gen("P-256"));
}

Key read_key(std::string_view pem) {
  const Bio bio = reading(pem);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
  ERR_clear_error();
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC) return nullptr;
  std::array<char, 32> group{};
  if (EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr) != 1) return nullptr;
  return std::string_view(group.data()) == SN_X9_62_prime256v1 ? std::move(key) : nullptr;
}

SecretText key_pem(const Key& key) {
  const Bio bio(BIO_new(BIO_s_secmem()));  // wiped when it is freed
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
      1) {
    return secret({});
  }
  return secret(written(bio));
}

Certificate read_certificate(std::string_view pem) {
  const Bio bio = reading(pem);
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr));
  ERR_clear_error();
  return certificate;
}

std::string certificate_pem(const Certificate& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  return PEM_write_bio_X509(bio.get(), certificate.get()) == 1 ? written(bio) : std::string();
}

Result<std::string> check_name(std::string_view name) {
  const std::string lower = to_lower(name);
  const auto address = Address::parse_ip(lower);
  if (address && address->scope_id == 0) return address->ip_text();
  const auto wrong = [&](std::string_view what) {
    return failure(ErrorCode::kBadValue,
                   quoted(name, 60) + " is no name for a certificate: " + std::string(what), {},
                   "write a name like \"app.localhost\" or an address like \"192.168.1.20\"");
  };
  if (lower.empty() || lower.size() > kLongestName) return wrong("it has 1 to 253 characters");
  std::vector<std::string_view> labels = split(lower, '.');
  if (labels.front() == "*") labels.erase(labels.begin());
  if (labels.empty()) return wrong("\"*\" alone would be every name there is");
  if (!std::all_of(labels.begin(), labels.end(), is_label)) {
    return wrong("it takes letters, digits, - and . only");
  }
  return lower;
}

Certificate make_authority(const Key& key, const AuthoritySubject& subject, Validity validity) {
  Certificate certificate = begin(key.get(), subject.name, validity);
  X509* const raw = certificate.get();
  if (raw == nullptr) return nullptr;
  std::string permitted(kPermitted);
  POLYPORT_ASSERT(subject.host_name.find_first_of(",;: ") == std::string::npos);
  if (!subject.host_name.empty()) permitted += ",permitted;DNS:" + subject.host_name;
  const bool good = X509_set_issuer_name(raw, X509_get_subject_name(raw)) == 1 &&
                    add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    add_extension(raw, raw, NID_ext_key_usage, "serverAuth") &&
                    add_extension(raw, raw, NID_name_constraints, permitted) &&
                    add_extension(raw, raw, NID_subject_key_identifier, "hash") &&
                    X509_sign(raw, key.get(), EVP_sha256()) != 0;
  ERR_clear_error();
  return good ? std::move(certificate) : nullptr;
}

Certificate issue(const Authority& authority, const Key& key, const std::vector<std::string>& names,
                  Validity validity) {
  Certificate certificate = begin(key.get(), "polyport development server", validity);
  X509* const raw = certificate.get();
  X509* const issuer = authority.certificate.get();
  if (raw == nullptr) return nullptr;
  const bool good = X509_set_issuer_name(raw, X509_get_subject_name(issuer)) == 1 &&
                    add_extension(raw, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(raw, issuer, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(raw, issuer, NID_ext_key_usage, "serverAuth") &&
                    add_extension(raw, issuer, NID_subject_key_identifier, "hash") &&
                    add_extension(raw, issuer, NID_authority_key_identifier, "keyid:always") &&
                    add_names(raw, names) && X509_sign(raw, authority.key.get(), EVP_sha256()) != 0;
  ERR_clear_error();
  return good ? std::move(certificate) : nullptr;
}

bool may_sign(const Certificate& authority, const std::string& name) {
  auto* const constraints = static_cast<NAME_CONSTRAINTS*>(
      X509_get_ext_d2i(authority.get(), NID_name_constraints, nullptr, nullptr));
  if (constraints == nullptr) return false;
  const Certificate question(X509_new());
  bool may = question != nullptr && add_names(question.get(), {name});
  if (may) {
    X509_check_purpose(question.get(), -1, 0);  // makes OpenSSL see the names; its answer is none
    may = NAME_CONSTRAINTS_check(question.get(), constraints) == X509_V_OK;
  }
  NAME_CONSTRAINTS_free(constraints);
  ERR_clear_error();
  return may;
}

bool is_constrained_authority(const Certificate& certificate) {
  return X509_check_ca(certificate.get()) == 1 &&
         X509_get_ext_by_NID(certificate.get(), NID_name_constraints, -1) >= 0;
}

bool is_signed_by(const Certificate& certificate, const Certificate& authority) {
  EVP_PKEY* const key = X509_get0_pubkey(authority.get());
  const bool signed_by = X509_check_issued(authority.get(), certificate.get()) == X509_V_OK &&
                         key != nullptr && X509_verify(certificate.get(), key) == 1;
  ERR_clear_error();
  return signed_by;
}

bool belongs(const Certificate& certificate, const Key& key) {
  const bool same = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return same;
}

Validity validity(const Certificate& certificate) {
  return {.from = seconds_of(X509_get0_notBefore(certificate.get())),
          .until = seconds_of(X509_get0_notAfter(certificate.get()))};
}

std::string subject_name(const Certificate& certificate) {
  return common_name(X509_get_subject_name(certificate.get()));
}

std::string issuer_name(const Certificate& certificate) {
  return common_name(X509_get_issuer_name(certificate.get()));
}

std::string fingerprint(const Certificate& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), bytes.data(), &size) != 1) return {};
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    if (i != 0) text += ':';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace polyport::x509
