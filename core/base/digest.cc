#include "core/base/digest.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include <array>

#include "core/base/assert.h"

namespace polyport {
namespace {

const EVP_MD* algorithm(Hash hash) {
  switch (hash) {
    case Hash::kMd5:
      return EVP_md5();
    case Hash::kSha1:
      return EVP_sha1();
    case Hash::kSha256:
      return EVP_sha256();
    case Hash::kSha512:
      return EVP_sha512();
    case Hash::kSha512_256:
      return EVP_sha512_256();
  }
  return nullptr;
}

}  // namespace

std::string digest(Hash hash, Bytes bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> buffer{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), buffer.data(), &size, algorithm(hash), nullptr) != 1) {
    return {};
  }
  return {reinterpret_cast<const char*>(buffer.data()), size};
}

std::string hex(Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::string hex_digest(Hash hash, Bytes bytes) {
  return hex(digest(hash, bytes));
}

bool equals_in_constant_time(Bytes left, Bytes right) {
  if (left.size() != right.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i)
    difference = static_cast<unsigned char>(difference | (left[i] ^ right[i]));
  return difference == 0;
}

std::string random_bytes(std::size_t count) {
  POLYPORT_ASSERT(count <= 256);  // what getrandom gives in one piece, whatever signals come
  std::string bytes(count, '\0');
  const auto got = ::getrandom(bytes.data(), count, 0);
  POLYPORT_ASSERT(got >= 0 && static_cast<std::size_t>(got) == count);
  return bytes;
}

namespace {

std::string& secret() {
  static std::string bytes;
  return bytes;
}

}  // namespace

const std::string& program_secret() {
  constexpr std::size_t kBytes = 32;
  if (secret().empty()) secret() = random_bytes(kBytes);
  return secret();
}

void set_program_secret(std::string bytes) {
  secret() = std::move(bytes);
}

}  // namespace polyport
