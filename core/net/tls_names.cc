// What a certificate says: core/net/tls_material's part that reads names and dates.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <array>

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/net/tls_material.h"
#include "core/socket/address.h"

namespace polyport {

namespace {

struct FreeName {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};

std::string name_text(const X509_NAME* name) {
  const std::unique_ptr<BIO, FreeName> bio(BIO_new(BIO_s_mem()));
  // UTF-8 as it is; control characters are escaped.
  constexpr unsigned long kFlags =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, kFlags) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return without_controls({data, static_cast<std::size_t>(size)});
}

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

std::string string_of(const ASN1_STRING* text) {
  return without_controls({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                           static_cast<std::size_t>(ASN1_STRING_length(text))});
}

std::string address_text(const ASN1_OCTET_STRING* octets) {
  const Bytes bytes{reinterpret_cast<const char*>(ASN1_STRING_get0_data(octets)),
                    static_cast<std::size_t>(ASN1_STRING_length(octets))};
  Address address;
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  address.family = bytes.size() == 4 ? Family::kIPv4 : Family::kIPv6;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    address.ip[i] = static_cast<std::uint8_t>(bytes[i]);
  return address.ip_text();
}

}  // namespace

std::string valid_from(const x509_st& certificate) {
  return time_text(X509_get0_notBefore(&certificate));
}

std::string valid_until(const x509_st& certificate) {
  return time_text(X509_get0_notAfter(&certificate));
}

std::string subject_of(const x509_st& certificate) {
  return name_text(X509_get_subject_name(&certificate));
}

std::string issuer_of(const x509_st& certificate) {
  return name_text(X509_get_issuer_name(&certificate));
}

std::string fingerprint_of(const x509_st& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), hash.data(), &size) != 1) return {};
  return hex({reinterpret_cast<const char*>(hash.data()), size});
}

std::string serial_of(const x509_st& certificate) {
  const std::unique_ptr<BIGNUM, FreeName> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  if (!number) return {};
  char* text = BN_bn2hex(number.get());
  const std::string serial = text == nullptr ? "" : to_lower(text);
  OPENSSL_free(text);
  return serial;
}

std::vector<std::string> alternative_names_of(const x509_st& certificate) {
  const std::unique_ptr<GENERAL_NAMES, FreeName> list(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int i = 0; list && i < sk_GENERAL_NAME_num(list.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list.get(), i);
    if (name->type == GEN_DNS) names.push_back(string_of(name->d.dNSName));
    if (name->type == GEN_EMAIL) names.push_back("email:" + string_of(name->d.rfc822Name));
    if (name->type == GEN_URI) names.push_back(string_of(name->d.uniformResourceIdentifier));
    if (name->type == GEN_IPADD) names.push_back(address_text(name->d.iPAddress));
  }
  ERR_clear_error();
  return names;
}

std::string TlsCertificate::names() const {
  std::string text;
  for (const std::string& name : alternative_names_of(*leaf))
    text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? subject_of(*leaf) : text;
}

bool TlsCertificate::is_for(const std::string& name, Wildcards wildcards) const {
  if (wildcards == Wildcards::kNo) {
    return X509_check_host(leaf.get(), name.data(), name.size(), X509_CHECK_FLAG_NO_WILDCARDS,
                           nullptr) == 1;
  }
  // X509_check_host takes no "*.localhost": that it is a domain of its own is nothing to us.
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos || dot == 0) return false;
  const std::string pattern = "*" + name.substr(dot);
  for (const std::string& mine : alternative_names_of(*leaf)) {
    if (equals_ignoring_case(mine, pattern)) return true;
  }
  return false;
}

std::string TlsCertificate::complaint(std::time_t now) const {
  if (X509_cmp_time(X509_get0_notAfter(leaf.get()), &now) < 0) {
    return "has expired: it was valid until " + valid_until(*leaf);
  }
  if (X509_cmp_time(X509_get0_notBefore(leaf.get()), &now) > 0) {
    return "is not valid yet: it will be from " + valid_from(*leaf);
  }
  return {};
}

}  // namespace polyport
