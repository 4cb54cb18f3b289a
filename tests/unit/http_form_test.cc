// Forms and the parameters of header values.
#include "core/http/form.h"
#include "core/http/parameters.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::http;

namespace {

std::string form(Bytes body) {
  std::vector<FormField> fields;
  if (const Refusal bad = parse_form(body, fields)) return "bad: " + std::string(bad.detail);
  std::string text;
  for (const FormField& field : fields)
    text += "[" + field.name + "=" + field.value + "]";
  return text;
}

std::string multipart(Bytes body, Bytes boundary = "b") {
  std::vector<FormPart> parts;
  if (const Refusal bad = parse_multipart(body, boundary, parts)) {
    return "bad: " + std::string(bad.detail.substr(0, 20));
  }
  std::string text;
  for (const FormPart& part : parts) {
    text += "[" + part.name;
    if (part.filename) text += " file " + *part.filename;
    if (!part.content_type.empty()) text += " type " + part.content_type;
    text += "=" + std::string(part.body) + "]";
  }
  return text;
}

const std::string kField = "Content-Disposition: form-data; name=\"a\"\r\n";

}  // namespace

TEST_CASE("a form is read field by field, in order") {
  CHECK(form("a=1&b=2&a=3") == "[a=1][b=2][a=3]");
  CHECK(form("a=x+y%20z%2B&c") == "[a=x y z+][c=]");
  CHECK(form("&&a=1&") == "[a=1]");
  CHECK(form("a=b=c&=d") == "[a=b=c][=d]");
  CHECK(form("") == "");
  for (const Bytes bad : {"a=%", "a=%4", "a=%zz", "%g1=1"})
    CHECK(form(bad).starts_with("bad: a % in the form"));
  std::string most = "a";
  for (std::size_t i = 1; i < kMostFormFields; ++i)
    most += "&a";
  CHECK_FALSE(form(most).starts_with("bad"));
  CHECK(form(most + "&a").starts_with("bad: the form has more"));
}

TEST_CASE("multipart/form-data is taken apart (RFC 7578)") {
  CHECK(multipart("--b\r\n" + kField + "\r\n1\r\n--b--\r\n") == "[a=1]");
  CHECK(multipart("preamble\r\n--b\r\n" + kField + "\r\n1\r\n--b\r\n" + kField +
                  "\r\n2\r\n--b--epilogue") == "[a=1][a=2]");
  CHECK(multipart("--b \t\r\n" + kField + "\r\n1\r\n--b--") == "[a=1]");
  CHECK(multipart("--b\r\nContent-Type: text/x\r\nContent-Disposition: form-data; filename=\"f "
                  "\\\"1\\\".txt\"; name=up\r\n\r\nline\r\n--bb\r\nmore\r\n--b--") ==
        "[up file f \"1\".txt type text/x=line\r\n--bb\r\nmore]");
  // Without content: the empty line's end is the boundary's.
  CHECK(multipart("--b\r\n" + kField + "\r\n--b--") == "[a=]");
  CHECK(multipart("--b\r\n" + kField + "\r\n\r\n--b--") == "[a=]");
  CHECK(multipart("--b\r\n" + kField + "\r\n\r\n\r\n--b--") == "[a=\r\n]");
  CHECK(multipart("--b\r\n\r\nnameless\r\n--b--") == "");
  CHECK(multipart("--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--") == "");
  CHECK(multipart("--b--") == "");
  CHECK(multipart("--b\r\n" + kField + "\r\nx--b\r\n--b--") == "[a=x--b]");
}

TEST_CASE("multipart that is none is told why") {
  CHECK(multipart("", "") == "bad: multipart/form-data ");
  CHECK(multipart("x", std::string(71, 'b')) == "bad: multipart/form-data ");
  CHECK(multipart("--" + std::string(70, 'b') + "--", std::string(70, 'b')) == "");
  CHECK(multipart("") == "bad: the boundary of the ");
  CHECK(multipart("x--b--") == "bad: the boundary of the ");
  CHECK(multipart("--b\r\n" + kField + "\r\n1") == "bad: the multipart body e");
  CHECK(multipart("--b\r\n" + kField + "\r\n1\n--b--") == "bad: the multipart body e");
  CHECK(multipart("--b\r\nno colon\r\n\r\n1\r\n--b--") == "bad: the headers of a par");
  CHECK(multipart("--b\r\nA: b\r\n--b--") == "bad: the headers of a par");
  CHECK(multipart("--b\r\n--b--") == "bad: the headers of a par");
  const std::string header = "X: " + std::string(kMostPartHeaderBytes - kField.size() - 5, 'x');
  CHECK(multipart("--b\r\n" + kField + header + "\r\n\r\n1\r\n--b--") == "[a=1]");
  CHECK(multipart("--b\r\n" + kField + header + "x\r\n\r\n1\r\n--b--") ==
        "bad: the headers of a par");
  std::string many;
  for (std::size_t i = 0; i < kMostFormFields; ++i)
    many += "--b\r\n" + kField + "\r\n1\r\n";
  CHECK(multipart(many + "--b--").size() == 5 * kMostFormFields);
  CHECK(multipart(many + "--b\r\n" + kField + "\r\n1\r\n--b--").starts_with("bad: the form has"));
}

TEST_CASE("parameters of a header value") {
  CHECK(without_parameters("text/html ; charset=x") == "text/html");
  CHECK(parameter_of("text/html; charset=utf-8", "Charset") == "utf-8");
  CHECK(parameter_of("a/b; c=\"d;e\\\"f\"; boundary=x", "boundary") == "x");
  CHECK(parameter_of("a/b; c=\"d;e\\\"f\"", "c") == "d;e\"f");
  CHECK(parameter_of("a/b;;; c=d", "c") == "d");
  CHECK_FALSE(parameter_of("a/b", "c"));
  CHECK_FALSE(parameter_of("a/b; c", "c"));
  CHECK_FALSE(parameter_of("a/b; c=\"d", "c"));
  CHECK_FALSE(parameter_of("a/b; c=\"d\\", "c"));
  CHECK_FALSE(parameter_of("a/b; c=\"d\"e; f=g", "f"));
  Bytes rest = "username=\"u,v\", qop=auth, nc=00000001";
  CHECK(next_parameter(rest, ',')->value == "u,v");
  CHECK(next_parameter(rest, ',')->name == "qop");
  CHECK(next_parameter(rest, ',')->value == "00000001");
  CHECK_FALSE(next_parameter(rest, ','));
  CHECK(rest.empty());
  rest = "a=b, =c";
  CHECK(next_parameter(rest, ','));
  CHECK_FALSE(next_parameter(rest, ','));
  CHECK_FALSE(rest.empty());
}
