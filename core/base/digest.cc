#include "core/base/digest.h"

#include <openssl/evp.h>

#include <array>

namespace polyport {
namespace {

const EVP_MD* algorithm(Hash hash) {
  switch (hash) {
    case Hash::kSha1:
      return EVP_sha1();
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

}  // namespace polyport
