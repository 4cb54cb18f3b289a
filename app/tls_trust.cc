#include "app/tls_trust.h"

#include "app/state_dir.h"
#include "core/net/development_ca.h"
#include "core/net/tls_client.h"

namespace polyport {

Result<std::shared_ptr<const TlsClientContext>> tls_client_context(const TlsTrust& trust) {
  TlsClientSettings settings;
  if (trust.insecure) settings.trust = TlsClientSettings::Trust::kAnybody;
  if (!trust.ca.empty()) settings.authorities.push_back({trust.ca, "--ca"});
  const std::string state_dir = state_dir_path({});
  if (const auto own =
          state_dir.empty() ? failure(ErrorCode::kNotFound, {}) : development_ca(state_dir)) {
    settings.authorities.push_back({own->path, {}});
  }
  auto context = TlsClientContext::load(settings);
  // A file that is not there is a mistake of whoever typed its name.
  if (!context) context.error().code = ErrorCode::kBadValue;
  return context;
}

}  // namespace polyport
