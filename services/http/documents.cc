// Fixed documents, for clients that parse or show them. The texts are our own.
#include "services/http/endpoints.h"

namespace polyport::services::http {
namespace {

// --- texts ---------------------------------------------------------------------------------------

constexpr Bytes kJsonText = R"({
  "slideshow": {
    "author": "the harbour master",
    "date": "on every tide",
    "title": "Ports and their people",
    "slides": [
      {
        "title": "A port is a number",
        "type": "all"
      },
      {
        "items": [
          "Who listens is called <em>server</em>",
          "Who calls is called <em>client</em>"
        ],
        "title": "Two ends",
        "type": "all"
      }
    ]
  }
}
)";

constexpr Bytes kXmlText = R"(<?xml version="1.0" encoding="utf-8"?>
<!-- a document to parse -->
<slideshow title="Ports and their people" date="on every tide" author="the harbour master">
  <slide type="all">
    <title>A port is a number</title>
  </slide>
  <slide type="all">
    <title>Two ends</title>
    <item>Who listens is called <em>server</em></item>
    <item/>
    <item>Who calls is called <em>client</em></item>
  </slide>
</slideshow>
)";

constexpr Bytes kHtmlText = R"(<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>The keeper of the harbour</title>
</head>
<body>
  <h1>The keeper of the harbour</h1>
  <p>The old keeper knew every berth by its number and never wrote one down. When a ship asked for
  the twenty-second, he looked out of his window, and where he saw a mast already he shook his
  head: one number, one ship, and no argument.</p>
  <p>Ships that only came to deliver a letter he gave a number from the high end of the quay, where
  nobody lay for long, and he forgot it as soon as they had cast off.</p>
</body>
</html>
)";

// Scripts, marks and signs that a careless decoder gets wrong.
constexpr Bytes kUtf8Text = R"(<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>UTF-8</title>
</head>
<body>
<h1>Many scripts in one encoding</h1>
<pre>
Latin       Zwölf Häfen, ÿ, œuvre, naïve, Łódź, smørrebrød
Greek       λιμάνι, θύρα
Cyrillic    гавань, порт, їжа
Hebrew      נמל
Arabic      ميناء
Devanagari  बंदरगाह
Thai        ท่าเรือ
Chinese     港口, 端口
Japanese    みなと, ポート
Korean      항구
Georgian    ნავსადგური
Armenian    նավահանգիստ
Braille     ⠓⠁⠗⠃⠕⠥⠗
Arrows      ← ↑ → ↓ ↔ ⇒ ⇔
Mathematics ∀x ∈ ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β, ∑ 1⁄n² = π²⁄6
Boxes       ┌─┬─┐ │ ├─┼─┤ │ └─┴─┘
Currency    € £ ¥ ₹ ₿
Quotes      “double” ‘single’ „low“ «guillemets»
Spaces      thin narrow zero​width
Combining   é = é, ñ = ñ, Å = Å
Beyond 16 bits  😀 ⚓ 🚢 𝄞 𝔄 👩‍💻
</pre>
</body>
</html>
)";

// The names of its fields are those of httpbin: scripts fill it in by them.
constexpr Bytes kFormHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>A form</title>
  <meta name="viewport" content="width=device-width, initial-scale=1">
</head>
<body>
<form method="post" action=")";
constexpr Bytes kFormRest = R"(">
  <p><label>Your name: <input name="custname"></label></p>
  <p><label>Telephone: <input type="tel" name="custtel"></label></p>
  <p><label>E-mail address: <input type="email" name="custemail"></label></p>
  <fieldset>
    <legend>Size</legend>
    <label><input type="radio" name="size" value="small"> small</label>
    <label><input type="radio" name="size" value="medium"> medium</label>
    <label><input type="radio" name="size" value="large"> large</label>
  </fieldset>
  <fieldset>
    <legend>On top</legend>
    <label><input type="checkbox" name="topping" value="bacon"> bacon</label>
    <label><input type="checkbox" name="topping" value="cheese"> cheese</label>
    <label><input type="checkbox" name="topping" value="onion"> onion</label>
    <label><input type="checkbox" name="topping" value="mushroom"> mushroom</label>
  </fieldset>
  <p><label>Brought to the pier at: <input type="time" name="delivery" min="11:00" max="21:00"></label></p>
  <p><label>Remarks: <textarea name="comments"></textarea></label></p>
  <p><button>Order</button></p>
</form>
</body>
</html>
)";

// --- actions -------------------------------------------------------------------------------------

void json(Call& call) {
  call.json(kJsonText);
}

void xml(Call& call) {
  call.respond(200, "application/xml", kXmlText);
}

void html(Call& call) {
  call.respond(200, kHtml, kHtmlText);
}

void utf8(Call& call) {
  call.respond(200, kHtml, kUtf8Text);
}

void form(Call& call) {
  std::string page(kFormHead);
  page.append(call.local("/post")).append(kFormRest);
  call.respond(200, kHtml, page);
}

void robots(Call& call) {
  call.text("User-agent: *\nDisallow: " + call.local("/deny") + "\n");
}

void deny(Call& call) {
  call.text("A robot that keeps to /robots.txt does not read this.\n");
}

}  // namespace

std::span<const Route> document_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/json", "a JSON document", json},
      {"*", "/xml", "an XML document", xml},
      {"*", "/html", "an HTML page", html},
      {"GET", "/encoding/utf8", "a page in many scripts", utf8},
      {"GET", "/forms/post", "a form that posts to /post", form},
      {"*", "/robots.txt", "what robots may not read: /deny", robots},
      {"*", "/deny", "what robots may not read", deny},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
