#include "app/development_tls.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "app/networks.h"
#include "core/base/layout.h"
#include "core/base/text.h"
#include "core/net/x509.h"
#include "core/ports/host_name.h"

namespace polyport {
namespace {

// Empty where it is no name for a certificate, or one that every machine has.
std::string own_host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return {};
  const auto name = x509::check_name(buffer.data());
  if (!name || is_localhost(*name) || name->starts_with("*") || Address::parse_ip(*name)) return {};
  return *name;
}

bool contains_name(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string date(std::chrono::sys_seconds time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
  return text.data();
}

std::string way(std::string_view who, const std::string& command) {
  return "  " + std::string(who) + "\n      " + command + "\n";
}

}  // namespace

Result<DevelopmentCertificate> development_certificate(const std::string& state_dir,
                                                       const DevelopmentTls& settings) {
  DevelopmentWishes wishes{.names = {"localhost", "*.localhost", "127.0.0.1", "::1"},
                           .host_name = own_host_name()};
  std::vector<std::string> told = settings.names;
  if (!wishes.host_name.empty()) told.push_back(wishes.host_name);
  wishes.names.insert(wishes.names.end(), told.begin(), told.end());
  for (const Address& address : network_addresses())
    wishes.names.push_back(address.ip_text());
  auto certificate = development_certificate(state_dir, wishes);
  if (certificate) {
    std::erase_if(certificate->refused,
                  [&told](const std::string& name) { return !contains_name(told, name); });
  }
  return certificate;
}

std::vector<std::string> trust_notes(const DevelopmentCertificate& certificate,
                                     const std::string& command) {
  const DevelopmentCa& ca = certificate.ca;
  std::vector<std::string> notes;
  notes.push_back("TLS certificates are of the development CA " + ca.path +
                  (certificate.ca_is_new ? ", made just now" : ""));
  notes.push_back("its SHA-256 is " + ca.fingerprint);
  if (certificate.not_stored) {
    notes.push_back("it ends with this process, because nothing can be stored: " +
                    certificate.not_stored->text());
  }
  for (const std::string& name : certificate.refused) {
    notes.push_back(
        "they are not for " + name +
        ": this CA may sign for names and addresses near by only (docs/development_ca.md)");
  }
  notes.push_back("trust it with curl --cacert " + shell_word(ca.path) +
                  (certificate.not_stored ? std::string() : "; all other ways: " + command));
  return notes;
}

std::string trust_text(const DevelopmentCa& ca) {
  const std::string path = shell_word(ca.path);
  std::string text;
  text += hanging("  file", printable(ca.path), 12);
  text += hanging("  name", printable(ca.name), 12);
  text += "  SHA-256   " + ca.fingerprint.substr(0, 48) + "\n" + std::string(12, ' ') +
          ca.fingerprint.substr(48) + "\n";
  text += hanging("  until", date(ca.until), 12);
  text += "\n" + paragraph(
                     "It signs what this user's polyport serves over TLS, and can sign for "
                     "localhost, for this machine, for .test, .local, .internal and .home.arpa and "
                     "for private addresses only. Its key stays in the same folder, for this user "
                     "alone. Programs trust it so:");
  text += "\n" + way("curl", "curl --cacert " + path + " https://localhost:8443/");
  text += way("Python: requests, and the ssl module",
              "REQUESTS_CA_BUNDLE=" + path + " SSL_CERT_FILE=" + path + " python3 ...");
  text += way("Node", "NODE_EXTRA_CA_CERTS=" + path + " node ...");
  text += way("Chromium and Chrome on Linux (certutil: package libnss3-tools)",
              "certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n 'polyport development CA' -i " + path);
  text += way("Firefox",
              "Settings, Privacy & Security, View Certificates, Authorities, Import: the file");
  text += way("everything on Debian and Ubuntu that asks the system",
              "sudo cp " + path +
                  " /usr/local/share/ca-certificates/polyport.crt &&\n"
                  "      sudo update-ca-certificates");
  text += way("the same on Fedora and Arch", "sudo trust anchor " + path);
  text += way("macOS, with the file copied there",
              "security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db "
              "ca.crt");
  text += way("Windows, with the file copied there", "certutil -user -addstore Root ca.crt");
  return text;
}

}  // namespace polyport
