#include "core/host/tls_plan.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace polyport {

namespace {

// The first endpoint that needs certificates, as written, and its place.
struct Encrypted {
  std::string text, where;
};

std::optional<Encrypted> first_encrypted(const ServicePlan& plan) {
  for (const Door& door : plan.type->doors) {
    const OptionValues::Value& value = plan.values.value(door.option);
    for (std::size_t i = 0; i < value.endpoints.size(); ++i) {
      if (!is_encrypted(value.endpoints[i].transport)) continue;
      return Encrypted{value.endpoints[i].text(), value.is_default ? plan.where : value.places[i]};
    }
  }
  return std::nullopt;
}

TlsSettings::Version version_of(const std::string& text) {
  if (text == "1.0") return TlsSettings::Version::k1_0;
  if (text == "1.1") return TlsSettings::Version::k1_1;
  return text == "1.2" ? TlsSettings::Version::k1_2 : TlsSettings::Version::k1_3;
}

void read_client_auth(const OptionValues& values, TlsSettings& settings, Errors& errors) {
  const OptionValues::Value& auth = values.value("tls.client_auth");
  settings.client_ca = values.text("tls.client_ca");
  settings.client_ca_where = values.value("tls.client_ca").where;
  if (auth.text == "any") {
    settings.client_auth = TlsSettings::ClientAuth::kAny;
  } else if (!settings.client_ca.empty()) {
    settings.client_auth = auth.text == "optional" ? TlsSettings::ClientAuth::kOptional
                                                   : TlsSettings::ClientAuth::kRequired;
  } else if (!auth.is_default) {
    errors.push_back({ErrorCode::kConflict,
                      "client_auth = " + quoted(auth.text) + " without a client_ca", auth.where,
                      "name the file of those who sign the clients' certificates: client_ca = "
                      "\"ca.pem\""});
  }
}

void read_alpn(const ServicePlan& plan, TlsSettings& settings, Errors& errors) {
  const OptionValues::Value& alpn = plan.values.value("tls.alpn");
  settings.alpn = alpn.texts;
  for (const std::string& protocol : alpn.texts) {
    if (!protocol.empty() && protocol.size() < 256) continue;
    errors.push_back({ErrorCode::kBadValue, "alpn: a protocol has 1 to 255 bytes", alpn.where, ""});
  }
  const bool http = std::any_of(plan.type->doors.begin(), plan.type->doors.end(),
                                [](const Door& door) { return door.kind == Door::Kind::kHttp; });
  if (settings.alpn.empty() && http) settings.alpn = {"http/1.1"};
}

}  // namespace

bool wants_tls(const ServicePlan& plan) {
  return plan.values.boolean("enabled") && first_encrypted(plan).has_value();
}

TlsSettings tls_settings(const ServicePlan& plan, const std::optional<TlsFiles>& development,
                         Errors& errors) {
  const OptionValues& values = plan.values;
  TlsSettings settings;
  const std::string& certificate = values.text("tls.cert");
  const std::string& key = values.text("tls.key");
  if (!certificate.empty()) {
    settings.certificates.push_back({certificate, key, values.value("tls.cert").where});
  } else if (!key.empty()) {
    errors.push_back({ErrorCode::kConflict, "a key without its certificate",
                      values.value("tls.key").where, "add cert = \"FILE\""});
  }
  const OptionValues::Value& list = values.value("tls.certificates");
  for (std::size_t i = 0; i + 1 < list.texts.size(); i += 2)
    settings.certificates.push_back({list.texts[i], list.texts[i + 1], list.places[i / 2]});
  if (settings.certificates.empty() && development) settings.certificates.push_back(*development);
  if (settings.certificates.empty() && errors.empty()) {
    const auto endpoint = first_encrypted(plan);
    errors.push_back({ErrorCode::kNotFound,
                      (endpoint ? endpoint->text : plan.name) + " has no certificate",
                      endpoint ? endpoint->where : plan.where,
                      "add [" + std::string(plan.type->internal ? "" : "services.") + plan.name +
                          ".tls] with cert = \"FILE\" and key = \"FILE\", or [server.tls] with "
                          "auto = true for those of a development CA"});
  }
  settings.min_version = version_of(values.text("tls.min_version"));
  read_client_auth(values, settings, errors);
  read_alpn(plan, settings, errors);
  return settings;
}

void check_tls(const ServicePlan& plan, bool automatic, Errors& errors, Errors& warnings) {
  if (!wants_tls(plan)) return;
  // Stands for the certificate that the start will make.
  const TlsFiles to_come{};
  Errors wrong;
  TlsSettings settings =
      tls_settings(plan, automatic ? std::optional(to_come) : std::nullopt, wrong);
  const bool made_later = automatic && settings.certificates.front() == to_come;
  if (wrong.empty() && made_later) {
    if (settings.client_ca.empty()) return;
    auto authorities = read_certificates(settings.client_ca, settings.client_ca_where);
    if (!authorities) wrong.push_back(std::move(authorities.error()));
  } else if (wrong.empty()) {
    auto loaded = TlsContext::load(settings, new_ticket_keys(), plan.name);
    if (!loaded) {
      wrong = std::move(loaded.error());
    } else {
      for (Error& warning : (*loaded)->warnings())
        warnings.push_back(std::move(warning));
    }
  }
  for (Error& error : wrong)
    errors.push_back(std::move(error));
}

}  // namespace polyport
