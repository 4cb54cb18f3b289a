#include "core/net/tls_material.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/text.h"

namespace polyport {

namespace {

constexpr std::size_t kLargestFile = 1024 * 1024;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPointer = std::unique_ptr<BIO, FreeBio>;

BioPointer reader_of(Bytes bytes) {
  return BioPointer(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

std::string shown(const std::string& path) {
  return quoted(path, 200);
}

tl::unexpected<Error> cannot_open(const std::string& path, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  std::string hint;
  if (missing) hint = "is it relative to where polyport was started?";
  if (error == EACCES) hint = "the user that runs polyport must be able to read it";
  return failure(missing ? ErrorCode::kNotFound : ErrorCode::kBadValue,
                 shown(path) + " cannot be read: " + std::strerror(error), {}, std::move(hint));
}

Result<std::string> read_file(const std::string& path) {
  // Without waiting for a writer, where it is a pipe.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return cannot_open(path, errno);
  struct stat facts {};
  std::string text;
  int error = ::fstat(fd, &facts) < 0 ? errno : 0;
  const bool plain = S_ISREG(facts.st_mode);
  while (error == 0 && plain && text.size() <= kLargestFile) {
    char buffer[16 * 1024];
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count == 0) break;
    if (count < 0) error = errno;
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(fd);
  if (error != 0) return cannot_open(path, error);
  if (S_ISDIR(facts.st_mode)) {
    return failure(ErrorCode::kBadValue, shown(path) + " is a directory", {},
                   "name the PEM file in it");
  }
  if (!plain) return failure(ErrorCode::kBadValue, shown(path) + " is no regular file");
  if (text.size() > kLargestFile) {
    return failure(ErrorCode::kBadValue, shown(path) + " is larger than 1 MiB");
  }
  return text;
}

bool holds(Bytes pem, std::string_view words) {
  return pem.find(words) != Bytes::npos;
}

bool is_der(Bytes bytes) {
  return bytes.size() > 4 && bytes[0] == '\x30' && bytes[1] == '\x82';
}

tl::unexpected<Error> no_certificate(Bytes pem, const std::string& path) {
  std::string hint = "a certificate in PEM begins with -----BEGIN CERTIFICATE-----";
  if (pem.empty()) return failure(ErrorCode::kBadValue, shown(path) + " is empty", {}, hint);
  if (holds(pem, "BEGIN CERTIFICATE REQUEST") || holds(pem, "BEGIN NEW CERTIFICATE REQUEST")) {
    return failure(ErrorCode::kBadValue, shown(path) + " is a request for a certificate", {},
                   "name the certificate that was issued for it");
  }
  if (holds(pem, "PRIVATE KEY-----")) {
    hint = "it holds a private key: are the two files the wrong way round?";
  } else if (is_der(pem)) {
    hint = "it looks like DER; convert it: openssl x509 -inform der -in FILE -out FILE.pem";
  } else if (holds(pem, "-----BEGIN CERTIFICATE-----")) {
    hint = "it has the lines of one, but not their content: " + take_openssl_error();
  }
  return failure(ErrorCode::kBadValue, shown(path) + " holds no certificate", {}, std::move(hint));
}

// Nobody is there to be asked.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

tl::unexpected<Error> no_key(Bytes pem, const std::string& path) {
  const std::string file = shell_word(path);
  if (holds(pem, "BEGIN ENCRYPTED PRIVATE KEY") || holds(pem, "Proc-Type: 4,ENCRYPTED")) {
    return failure(ErrorCode::kBadValue, "the key in " + shown(path) + " is encrypted", {},
                   "nobody is there to type its passphrase: openssl pkey -in " + file +
                       " -out plain.key; chmod 600 plain.key");
  }
  std::string hint = "a key in PEM begins with -----BEGIN PRIVATE KEY-----";
  if (is_der(pem)) {
    hint = "it looks like DER; convert it: openssl pkey -inform der -in FILE -out FILE.pem";
  } else if (holds(pem, "PRIVATE KEY-----")) {
    hint = "it has the lines of one, but not their content: " + take_openssl_error();
  } else if (holds(pem, "BEGIN PUBLIC KEY")) {
    hint = "it holds a public key; the private one is needed";
  } else if (holds(pem, "BEGIN CERTIFICATE")) {
    hint = "it holds a certificate: name the file of its key, as key = \"FILE\"";
  }
  return failure(ErrorCode::kBadValue, shown(path) + " holds no private key", {}, std::move(hint));
}

tl::unexpected<Error> at(Error error, const std::string& where) {
  error.where = where;
  return tl::unexpected(std::move(error));
}

}  // namespace

void FreeTlsObject::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

void FreeTlsObject::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

std::string take_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

Result<std::vector<X509Pointer>> parse_certificates(Bytes pem, const std::string& path) {
  ERR_clear_error();
  std::vector<X509Pointer> found;
  const BioPointer bio = reader_of(pem);
  constexpr std::size_t kMost = 1000;
  while (bio && found.size() < kMost) {
    X509Pointer certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!certificate) break;
    found.push_back(std::move(certificate));
  }
  const bool cut = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
  if (found.empty()) return no_certificate(pem, path);
  if (cut) {
    return failure(ErrorCode::kBadValue, "certificate " + std::to_string(found.size() + 1) +
                                             " in " + shown(path) +
                                             " is damaged: " + take_openssl_error());
  }
  ERR_clear_error();
  return found;
}

Result<KeyPointer> parse_private_key(Bytes pem, const std::string& path) {
  ERR_clear_error();
  const BioPointer bio = reader_of(pem);
  KeyPointer key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr)
                     : nullptr);
  if (!key) return no_key(pem, path);
  ERR_clear_error();
  return key;
}

Result<std::vector<X509Pointer>> read_certificates(const std::string& path,
                                                   const std::string& where) {
  auto text = read_file(path);
  if (!text) return at(std::move(text.error()), where);
  auto certificates = parse_certificates(*text, path);
  if (!certificates) return at(std::move(certificates.error()), where);
  return certificates;
}

Result<TlsCertificate> read_tls_certificate(const TlsFiles& files) {
  auto certificates = read_certificates(files.certificate, files.where);
  if (!certificates) return tl::unexpected(std::move(certificates.error()));
  auto text = read_file(files.key_file());
  if (!text) return at(std::move(text.error()), files.where);
  auto key = parse_private_key(*text, files.key_file());
  OPENSSL_cleanse(text->data(), text->size());
  if (!key) return at(std::move(key.error()), files.where);

  TlsCertificate read{.files = files, .leaf = {}, .chain = {}, .key = std::move(*key)};
  read.leaf = std::move(certificates->front());
  for (std::size_t i = 1; i < certificates->size(); ++i)
    read.chain.push_back(std::move((*certificates)[i]));
  if (X509_check_private_key(read.leaf.get(), read.key.get()) != 1) {
    ERR_clear_error();
    std::string hint = "the certificate is for " + read.names();
    for (const X509Pointer& other : read.chain) {
      if (X509_check_private_key(other.get(), read.key.get()) != 1) continue;
      hint = "it fits another certificate of the file: the server's own must be the first";
    }
    ERR_clear_error();
    return failure(ErrorCode::kBadValue,
                   "the key in " + shown(files.key_file()) + " is not that of the certificate in " +
                       shown(files.certificate),
                   files.where, std::move(hint));
  }
  return read;
}

FileStamp stamp_of(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) < 0) return {};
  const auto ns = [](const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
  };
  return {.device = facts.st_dev,
          .inode = facts.st_ino,
          .size = static_cast<std::uint64_t>(facts.st_size),
          .modified_ns = ns(facts.st_mtim),
          .changed_ns = ns(facts.st_ctim)};
}

}  // namespace polyport
