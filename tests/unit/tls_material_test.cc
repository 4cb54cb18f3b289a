// Certificates and keys from PEM: what is read, and how each wrong file is told.
#include "core/net/tls_material.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "core/net/tls_context.h"
#include "core/net/x509.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/polyport-tls-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~Folder() {
    for (const std::string& file : files_)
      ::unlink(file.c_str());
    ::rmdir(path_.c_str());
  }
  std::string write(const std::string& name, const std::string& text) {
    const std::string file = path_ + "/" + name;
    std::ofstream(file) << text;
    files_.push_back(file);
    return file;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

struct Made {
  x509::Key authority_key = x509::make_key();
  x509::Key key = x509::make_key();
  x509::Certificate authority = x509::make_authority(authority_key, {"CA for a test", ""}, now());
  std::string leaf(const std::vector<std::string>& names, x509::Validity validity = now()) const {
    return x509::certificate_pem(x509::issue({authority, authority_key}, key, names, validity));
  }
  std::string key_text() const { return *x509::key_pem(key); }
  static x509::Validity now() {
    const auto today = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return {today - std::chrono::hours(1), today + std::chrono::hours(48)};
  }
};

std::string error_of(const Result<TlsCertificate>& result) {
  REQUIRE_FALSE(result);
  return result.error().what + " | " + result.error().hint;
}

bool says(const std::string& text, const std::string& words) {
  INFO(text);
  return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a certificate with its chain and its key") {
  const Made made;
  Folder folder;
  const std::string chain =
      made.leaf({"localhost", "*.test", "127.0.0.1"}) + x509::certificate_pem(made.authority);
  const std::string certificate = folder.write("server.pem", chain);
  const std::string key = folder.write("server.key", made.key_text());
  const auto read = read_tls_certificate({certificate, key, "x.toml:1:1"});
  REQUIRE(read);
  CHECK(read->chain.size() == 1);
  CHECK(read->names() == "localhost, *.test, 127.0.0.1");
  CHECK(read->is_for("localhost", TlsCertificate::Wildcards::kNo));
  CHECK(read->is_for("LOCALHOST", TlsCertificate::Wildcards::kNo));
  CHECK_FALSE(read->is_for("a.test", TlsCertificate::Wildcards::kNo));
  CHECK(read->is_for("a.test", TlsCertificate::Wildcards::kYes));
  CHECK_FALSE(read->is_for("a.b.test", TlsCertificate::Wildcards::kYes));
  CHECK_FALSE(read->is_for("elsewhere", TlsCertificate::Wildcards::kYes));
  CHECK(read->complaint(std::time(nullptr)).empty());
  CHECK(issuer_of(*read->leaf) == "CN=CA for a test");
  CHECK(fingerprint_of(*read->leaf).size() == 64);
  CHECK(says(read->complaint(std::time(nullptr) + 100L * 86'400), "has expired"));
  CHECK(says(read->complaint(std::time(nullptr) - 100L * 86'400), "is not valid yet"));
}

TEST_CASE("one file may hold the key too, in any order") {
  const Made made;
  Folder folder;
  const std::string both = folder.write("both.pem", made.key_text() + made.leaf({"localhost"}));
  CHECK(read_tls_certificate({both, "", ""}));
}

TEST_CASE("each wrong file is told apart, with the place of its setting") {
  const Made made;
  Folder folder;
  const std::string leaf = folder.write("leaf.pem", made.leaf({"localhost"}));
  const std::string key = folder.write("leaf.key", made.key_text());
  const auto error = [&](const std::string& certificate, const std::string& key_file) {
    const auto result = read_tls_certificate({certificate, key_file, "x.toml:3:8"});
    REQUIRE_FALSE(result);
    CHECK(result.error().where == "x.toml:3:8");
    return error_of(result);
  };
  CHECK(says(error(folder.path() + "/none", key), "cannot be read: No such file"));
  CHECK(says(error(folder.path(), key), "is a directory"));
  CHECK(says(error("/dev/null", key), "is no regular file"));
  CHECK(says(error(folder.write("empty", ""), key), "is empty"));
  CHECK(says(error(folder.write("text", "hello\n"), key), "holds no certificate"));
  CHECK(says(error(key, leaf), "the wrong way round"));
  CHECK(says(error(leaf, ""), "name the file of its key"));
  CHECK(says(error(leaf, leaf), "holds no private key"));
  CHECK(says(error(folder.write("der", std::string("\x30\x82\x01\x02zz", 6)), key), "DER"));
  CHECK(says(error(folder.write("request", "-----BEGIN CERTIFICATE REQUEST-----\n"), key),
             "a request for a certificate"));
  CHECK(says(error(leaf, folder.write("secret", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n")),
             "is encrypted"));
  CHECK(says(error(leaf, folder.write("other.key", *x509::key_pem(x509::make_key()))),
             "is not that of the certificate"));
  CHECK(says(error(folder.write("large", std::string(2'000'000, 'x')), key), "larger than 1 MiB"));
  const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  CHECK(says(error(folder.write("broken", broken), key), "not their content"));
  CHECK(says(error(folder.write("second", made.leaf({"localhost"}) + broken), key),
             "certificate 2 in"));
  const std::string order = x509::certificate_pem(made.authority) + made.leaf({"localhost"});
  CHECK(says(error(folder.write("order", order), key), "must be the first"));
}

TEST_CASE("a file's stamp changes with the file") {
  Folder folder;
  const std::string file = folder.write("a", "one");
  const FileStamp before = stamp_of(file);
  CHECK(stamp_of(file) == before);
  folder.write("a", "two and more");
  CHECK_FALSE(stamp_of(file) == before);
  CHECK(stamp_of(folder.path() + "/none") == FileStamp());
}

TEST_CASE("a context tells all that is wrong at once, and warns of what has expired") {
  const Made made;
  Folder folder;
  TlsSettings settings;
  settings.certificates = {{folder.path() + "/none", "", "x.toml:1:1"},
                           {folder.path() + "/nor this", "", "x.toml:2:1"}};
  const auto wrong = TlsContext::load(settings, new_ticket_keys(), "test");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().size() == 2);

  const auto now = Made::now();
  const x509::Validity past{now.from - std::chrono::hours(100), now.from};
  settings.certificates = {{folder.write("old.pem", made.leaf({"localhost"}, past)),
                            folder.write("old.key", made.key_text()), "x.toml:1:1"}};
  const auto old = TlsContext::load(settings, new_ticket_keys(), "test");
  REQUIRE(old);
  REQUIRE((*old)->warnings().size() == 1);
  CHECK(says((*old)->warnings().front().what, "has expired"));
}
