#include "core/net/development_ca.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/digest.h"
#include "core/base/state_folder.h"
#include "core/base/text.h"
#include "core/net/x509.h"

namespace polyport {
namespace {

using std::chrono::days;
using std::chrono::sys_seconds;

constexpr days kAuthorityLives{3650};
// Chromium and Apple refuse servers' certificates of more than 398 and 825 days.
constexpr days kCertificateLives{397};
constexpr days kRenewedBefore{30};
// Certificates count from a little earlier: clocks of one network differ.
constexpr std::chrono::hours kBackdated{1};
constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMostCertificates = 64;
constexpr std::size_t kMostFiles = 1000;
// Before this was written no clock was right.
constexpr sys_seconds kEarliest{std::chrono::seconds(1'735'689'600)};  // 2025-01-01

constexpr const char* kAuthorityFile = "ca.crt";
constexpr const char* kAuthorityKeyFile = "ca.key";
constexpr const char* kServerKeyFile = "server.key";
constexpr std::string_view kServerPrefix = "server-";
constexpr std::string_view kServerSuffix = ".crt";
constexpr std::string_view kAuthorityName = "polyport development CA";

template <class T>
tl::unexpected<Error> passed_on(Result<T>& result) {
  return tl::unexpected(std::move(result.error()));
}

tl::unexpected<Error> foreign(const StateFolder& folder, const std::string& name,
                              std::string what) {
  return failure(ErrorCode::kBadValue, std::move(what), printable(folder.path_of(name)),
                 "it is left as it is; move it away, and a new one is made at the next start");
}

tl::unexpected<Error> libcrypto_refused(const StateFolder& folder, const std::string& name) {
  return failure(ErrorCode::kSystem, "libcrypto cannot make it", printable(folder.path_of(name)),
                 "is a policy of this machine against ECDSA over P-256?");
}

// Good for long enough, and not from a future that a wrong clock had.
bool is_in_time(const x509::Certificate& certificate, sys_seconds now) {
  const x509::Validity validity = x509::validity(certificate);
  return validity.from <= now && now < validity.until - kRenewedBefore;
}

x509::Certificate new_authority(const x509::Key& key, const DevelopmentWishes& wishes,
                                sys_seconds now) {
  std::string name(kAuthorityName);
  if (!wishes.host_name.empty()) name += " " + wishes.host_name.substr(0, 24);
  // Two of one machine are told apart in a trust store.
  name += " " + hex(random_bytes(3));
  return x509::make_authority(key, {.name = std::move(name), .host_name = wishes.host_name},
                              {.from = now - kBackdated, .until = now + kAuthorityLives});
}

x509::Certificate new_certificate(const x509::Authority& authority, const x509::Key& key,
                                  const std::vector<std::string>& names, sys_seconds now) {
  const sys_seconds from = now - kBackdated;
  const sys_seconds until = x509::validity(authority.certificate).until;
  return x509::issue(
      authority, key, names,
      {.from = from, .until = std::min<sys_seconds>(from + kCertificateLives, until)});
}

DevelopmentCa facts(const x509::Certificate& authority, std::string path) {
  return {.path = std::move(path),
          .fingerprint = x509::fingerprint(authority),
          .name = x509::subject_name(authority),
          .until = x509::validity(authority).until};
}

// Which of the wanted names the authority may sign for, each once.
struct SortedNames {
  std::vector<std::string> signed_for;
  std::vector<std::string> refused;
};

SortedNames sort_names(const x509::Certificate& authority, const std::vector<std::string>& wanted) {
  SortedNames names;
  for (const std::string& name : wanted) {
    auto& list = x509::may_sign(authority, name) ? names.signed_for : names.refused;
    if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
  }
  return names;
}

// One call: what is there, and what has to be made.
class Maker {
 public:
  Maker(StateFolder folder, const DevelopmentWishes& wishes, sys_seconds now)
      : folder_(std::move(folder)), wishes_(wishes), now_(now) {}

  // What there is, if all of it is good.
  Result<std::optional<DevelopmentCertificate>> find();
  // Makes what is missing. The folder's lock is held.
  Result<DevelopmentCertificate> make();

  Result<void> lock() { return folder_.lock(kPatience); }
  Result<bool> read_authority();
  DevelopmentCa authority() const;

 private:
  Result<void> make_authority();
  Result<x509::Key> read_or_make_key(const std::string& name);
  std::string certificate_file() const;
  // Null where there is none, or one of ours that will not do.
  Result<x509::Certificate> read_certificate(const x509::Key& key) const;
  Result<x509::Certificate> issue(const x509::Key& key);
  void remove_old_certificates() const;
  DevelopmentCertificate answer(const x509::Certificate& certificate) const;

  StateFolder folder_;
  const DevelopmentWishes& wishes_;
  const sys_seconds now_;
  x509::Certificate authority_;
  bool authority_is_new_ = false;
  SortedNames names_;
};

Result<bool> Maker::read_authority() {
  auto text = folder_.read(kAuthorityFile, Secrecy::kPublic);
  if (!text) return passed_on(text);
  if (!*text) return false;
  authority_ = x509::read_certificate(**text);
  if (authority_ == nullptr) return foreign(folder_, kAuthorityFile, "is no certificate");
  if (!x509::is_constrained_authority(authority_) ||
      !x509::subject_name(authority_).starts_with(kAuthorityName)) {
    return foreign(folder_, kAuthorityFile, "is not the development CA of a polyport");
  }
  return true;
}

DevelopmentCa Maker::authority() const {
  return facts(authority_, folder_.path_of(kAuthorityFile));
}

Result<std::optional<DevelopmentCertificate>> Maker::find() {
  const auto there = read_authority();
  if (!there) return tl::unexpected(there.error());
  if (!*there || !is_in_time(authority_, now_)) return std::nullopt;
  names_ = sort_names(authority_, wishes_.names);
  auto text = folder_.read(kServerKeyFile, Secrecy::kSecret);
  if (!text) return passed_on(text);
  if (!*text) return std::nullopt;
  const x509::SecretText pem = x509::secret(std::move(**text));
  const x509::Key key = x509::read_key(*pem);
  if (key == nullptr) return foreign(folder_, kServerKeyFile, "is no private key over P-256");
  const auto certificate = read_certificate(key);
  if (!certificate) return tl::unexpected(certificate.error());
  if (*certificate == nullptr) return std::nullopt;
  return answer(*certificate);
}

Result<DevelopmentCertificate> Maker::make() {
  const auto there = read_authority();
  if (!there) return tl::unexpected(there.error());
  if (!*there || !is_in_time(authority_, now_)) {
    if (auto made = make_authority(); !made) return passed_on(made);
  }
  names_ = sort_names(authority_, wishes_.names);
  const auto key = read_or_make_key(kServerKeyFile);
  if (!key) return tl::unexpected(key.error());
  auto certificate = read_certificate(*key);
  if (!certificate) return passed_on(certificate);
  if (*certificate == nullptr) certificate = issue(*key);
  if (!certificate) return passed_on(certificate);
  return answer(*certificate);
}

// The key is stored first: whoever was killed between the two has made a key for nothing, and the
// next takes it. So does a CA that takes the place of one that has ended.
Result<void> Maker::make_authority() {
  const auto key = read_or_make_key(kAuthorityKeyFile);
  if (!key) return tl::unexpected(key.error());
  authority_ = new_authority(*key, wishes_, now_);
  if (authority_ == nullptr) return libcrypto_refused(folder_, kAuthorityFile);
  authority_is_new_ = true;
  return folder_.write(kAuthorityFile, x509::certificate_pem(authority_), Secrecy::kPublic);
}

Result<x509::Key> Maker::read_or_make_key(const std::string& name) {
  auto text = folder_.read(name, Secrecy::kSecret);
  if (!text) return passed_on(text);
  if (*text) {
    const x509::SecretText pem = x509::secret(std::move(**text));
    x509::Key key = x509::read_key(*pem);
    if (key == nullptr) return foreign(folder_, name, "is no private key over P-256");
    return key;
  }
  x509::Key key = x509::make_key();
  if (key == nullptr) return libcrypto_refused(folder_, name);
  const x509::SecretText pem = x509::key_pem(key);
  if (pem->empty()) return libcrypto_refused(folder_, name);
  if (auto stored = folder_.write(name, *pem, Secrecy::kSecret); !stored) return passed_on(stored);
  return key;
}

// Programs that want other names at one time must not take each other's certificate away.
std::string Maker::certificate_file() const {
  std::vector<std::string> sorted = names_.signed_for;
  std::sort(sorted.begin(), sorted.end());
  std::string text;
  for (const std::string& name : sorted)
    text += name + "\n";
  return std::string(kServerPrefix) + hex_digest(Hash::kSha256, text).substr(0, 16) +
         std::string(kServerSuffix);
}

Result<x509::Certificate> Maker::read_certificate(const x509::Key& key) const {
  const std::string file = certificate_file();
  auto text = folder_.read(file, Secrecy::kPublic);
  if (!text) return passed_on(text);
  if (!*text) return x509::Certificate();
  x509::Certificate certificate = x509::read_certificate(**text);
  if (certificate == nullptr) return foreign(folder_, file, "is no certificate");
  if (!x509::issuer_name(certificate).starts_with(kAuthorityName)) {
    return foreign(folder_, file, "is a certificate of another authority");
  }
  const bool good = is_in_time(certificate, now_) && x509::belongs(certificate, key) &&
                    x509::is_signed_by(certificate, authority_);
  return good ? std::move(certificate) : x509::Certificate();
}

Result<x509::Certificate> Maker::issue(const x509::Key& key) {
  auto text = folder_.read(kAuthorityKeyFile, Secrecy::kSecret);
  if (!text) return passed_on(text);
  if (!*text) {
    return failure(ErrorCode::kNotFound,
                   "is not there, and without it ca.crt beside it signs no certificate",
                   printable(folder_.path_of(kAuthorityKeyFile)),
                   "put it back, or move ca.crt away: then a new CA is made, to be trusted anew");
  }
  const x509::SecretText pem = x509::secret(std::move(**text));
  const x509::Key authority_key = x509::read_key(*pem);
  if (authority_key == nullptr || !x509::belongs(authority_, authority_key)) {
    return foreign(folder_, kAuthorityKeyFile, "is not the key of ca.crt beside it");
  }
  x509::Certificate certificate =
      new_certificate({authority_, authority_key}, key, names_.signed_for, now_);
  const std::string file = certificate_file();
  if (certificate == nullptr) return libcrypto_refused(folder_, file);
  remove_old_certificates();
  const std::string chain = x509::certificate_pem(certificate) + x509::certificate_pem(authority_);
  if (auto stored = folder_.write(file, chain, Secrecy::kPublic); !stored) return passed_on(stored);
  return certificate;
}

// A laptop has other addresses in every network, and each makes a file: those that have ended go,
// and of the others only so many stay, the youngest.
void Maker::remove_old_certificates() const {
  std::vector<std::pair<sys_seconds, std::string>> ours;
  for (const std::string& name : folder_.names(kMostFiles)) {
    if (!name.starts_with(kServerPrefix) || !name.ends_with(kServerSuffix)) continue;
    const auto text = folder_.read(name, Secrecy::kPublic);
    if (!text || !*text) continue;
    const x509::Certificate certificate = x509::read_certificate(**text);
    if (certificate == nullptr || !x509::issuer_name(certificate).starts_with(kAuthorityName)) {
      continue;
    }
    ours.emplace_back(x509::validity(certificate).until, name);
  }
  std::sort(ours.begin(), ours.end());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const bool too_many = ours.size() - i >= kMostCertificates;
    if (ours[i].first < now_ || too_many) folder_.remove(ours[i].second);
  }
}

DevelopmentCertificate Maker::answer(const x509::Certificate& certificate) const {
  return {.ca = authority(),
          .ca_is_new = authority_is_new_,
          .chain_path = folder_.path_of(certificate_file()),
          .key_path = folder_.path_of(kServerKeyFile),
          .names = names_.signed_for,
          .refused = names_.refused,
          .until = x509::validity(certificate).until,
          .not_stored = {},
          .memory = {}};
}

std::string folder_path(const std::string& state_dir) {
  return state_dir + (state_dir.ends_with('/') ? "tls" : "/tls");
}

Result<void> check_names(const DevelopmentWishes& wishes) {
  std::vector<std::string> all = wishes.names;
  if (!wishes.host_name.empty()) all.push_back(wishes.host_name);
  for (const std::string& name : all) {
    if (auto checked = x509::check_name(name); !checked) return passed_on(checked);
  }
  return {};
}

// The same, for this process alone.
Result<DevelopmentCertificate> in_memory(const DevelopmentWishes& wishes, sys_seconds now,
                                         Error why) {
  const x509::Key authority_key = x509::make_key();
  const x509::Key key = x509::make_key();
  x509::Certificate authority;
  if (authority_key != nullptr) authority = new_authority(authority_key, wishes, now);
  const SortedNames names =
      authority == nullptr ? SortedNames{} : sort_names(authority, wishes.names);
  x509::Certificate certificate;
  if (authority != nullptr && key != nullptr) {
    certificate = new_certificate({authority, authority_key}, key, names.signed_for, now);
  }
  if (certificate == nullptr) return failure(ErrorCode::kSystem, "libcrypto makes no certificate");
  const std::string ca_pem = x509::certificate_pem(authority);
  const x509::SecretText key_text = x509::key_pem(key);
  auto ca_file = MemoryFile::make("polyport-ca.crt", ca_pem);
  if (!ca_file) return passed_on(ca_file);
  auto chain_file =
      MemoryFile::make("polyport-server.crt", x509::certificate_pem(certificate) + ca_pem);
  if (!chain_file) return passed_on(chain_file);
  auto key_file = MemoryFile::make("polyport-server.key", *key_text);
  if (!key_file) return passed_on(key_file);
  DevelopmentCertificate made{.ca = facts(authority, ca_file->path()),
                              .ca_is_new = true,
                              .chain_path = chain_file->path(),
                              .key_path = key_file->path(),
                              .names = names.signed_for,
                              .refused = names.refused,
                              .until = x509::validity(certificate).until,
                              .not_stored = std::move(why),
                              .memory = {}};
  made.memory.push_back(std::move(*ca_file));
  made.memory.push_back(std::move(*chain_file));
  made.memory.push_back(std::move(*key_file));
  return made;
}

}  // namespace

Result<DevelopmentCertificate> development_certificate(const std::string& state_dir,
                                                       const DevelopmentWishes& wishes,
                                                       std::chrono::system_clock::time_point now) {
  if (auto checked = check_names(wishes); !checked) return passed_on(checked);
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (second < kEarliest) {
    return failure(ErrorCode::kSystem, "the clock of this machine stands before the year 2025", {},
                   "set the clock: certificates are made for a time");
  }
  if (state_dir.empty()) {
    return in_memory(wishes, second,
                     {ErrorCode::kNotFound, "there is no state directory", "",
                      "set [server] state_dir, $STATE_DIRECTORY, $XDG_STATE_HOME or $HOME"});
  }
  const std::string path = folder_path(state_dir);
  if (auto folder = StateFolder::open(path)) {
    // Without a lock, and where nothing may be written: what is good is taken as it is.
    auto found = Maker(std::move(*folder), wishes, second).find();
    if (!found) return passed_on(found);
    if (*found) return std::move(**found);
  }
  auto folder = StateFolder::make(path);
  if (!folder) {
    // What is there and is not to be trusted is no place that is missing.
    if (StateFolder::is_there(path)) return passed_on(folder);
    return in_memory(wishes, second, std::move(folder.error()));
  }
  Maker maker(std::move(*folder), wishes, second);
  if (auto locked = maker.lock(); !locked) {
    if (locked.error().code == ErrorCode::kConflict) return passed_on(locked);
    return in_memory(wishes, second, std::move(locked.error()));
  }
  return maker.make();
}

Result<DevelopmentCa> development_ca(const std::string& state_dir) {
  const std::string path = folder_path(state_dir);
  auto folder = StateFolder::open(path);
  if (!folder) return passed_on(folder);
  const DevelopmentWishes none;
  Maker maker(std::move(*folder), none, {});
  const auto there = maker.read_authority();
  if (!there) return tl::unexpected(there.error());
  if (!*there) {
    return failure(ErrorCode::kNotFound, "there is no development CA yet", printable(path));
  }
  return maker.authority();
}

}  // namespace polyport
