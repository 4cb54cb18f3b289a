// The endpoints themselves, from their table: an OpenAPI document, and a page to try them on.
#include "core/base/digest.h"
#include "core/http/base64.h"
#include "services/http/endpoints.h"
#include "services/http/reference.h"

namespace polyport::services::http {
namespace {

constexpr std::string_view kPageHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Endpoints</title>
<style>
:root { color-scheme: light dark; --ink: #1a1a1a; --soft: #666; --line: #ddd; --paper: #fdfdfb; --mark: #0a5c8f }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e6e3; --soft: #9a9a9a; --line: #3a3a3a; --paper: #161616; --mark: #7cc4f0 }
}
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 56rem; margin: 6vh auto 4rem; padding: 0 1.25rem }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem }
details { border-top: 1px solid var(--line); padding: .5rem 0 }
summary { cursor: pointer }
summary code { color: var(--mark) }
code, pre, textarea, input { font: .9rem ui-monospace, monospace }
small, label span { color: var(--soft) }
label { display: grid; grid-template-columns: 9rem 12rem 1fr; gap: 1rem; align-items: baseline; margin: .3rem 0 }
@media (max-width: 40rem) { label { grid-template-columns: 1fr; gap: .1rem; margin: .6rem 0 } }
summary, label { overflow-wrap: anywhere }
input, textarea, button { color: inherit; background: transparent; border: 1px solid var(--line); padding: .2rem .4rem }
textarea { width: 100%; box-sizing: border-box }
pre { border: 1px solid var(--line); padding: .6rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 30rem }
</style>
</head>
<body>
<h1>Endpoints</h1>
<p><small>Made from the table of routes of this server: <a href="openapi.json">openapi.json</a> (OpenAPI 3).</small></p>
<noscript><p>This page needs scripts; the document above does not.</p></noscript>
<div id="list">…</div>
<script>)";

constexpr std::string_view kScript = R"(
"use strict";
const base = location.pathname.replace(/\/docs$/, "");
const make = (tag, text, parent) => {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  if (parent) parent.append(node);
  return node;
};

function addressOf(path, fields) {
  const query = new URLSearchParams();
  let address = path;
  for (const { parameter, input } of fields) {
    if (parameter.in === "path") {
      address = address.replace("{" + parameter.name + "}", encodeURIComponent(input.value));
    } else if (parameter.name === "arguments") {
      for (const [name, value] of new URLSearchParams(input.value)) query.append(name, value);
    } else if (parameter.in === "query" && input.value !== "") {
      query.append(parameter.name, input.value);
    }
  }
  return base + address + (query.size || [...query].length ? "?" + query : "");
}

async function send(method, path, fields, body, out) {
  const headers = {};
  for (const { parameter, input } of fields) {
    if (parameter.in === "header" && input.value !== "") headers[parameter.name] = input.value;
  }
  const address = addressOf(path, fields);
  out.textContent = method.toUpperCase() + " " + address + "\n…";
  try {
    const began = performance.now();
    const options = { method: method.toUpperCase(), headers, redirect: "follow" };
    if (body && body.value !== "") options.body = body.value;
    const answer = await fetch(address, options);
    const lines = [...answer.headers].map(([name, value]) => name + ": " + value);
    const bytes = await answer.arrayBuffer();
    const type = answer.headers.get("content-type") || "";
    const text = /^$|^text\/|json|xml|^multipart\//.test(type) ? new TextDecoder().decode(bytes) :
      bytes.byteLength + " bytes of " + type;
    const ms = Math.round(performance.now() - began);
    out.textContent = method.toUpperCase() + " " + address + "\n" + answer.status + " " +
      answer.statusText + "   (" + ms + " ms)\n" + lines.join("\n") + "\n\n" + text.slice(0, 100000);
  } catch (error) {
    out.textContent += "\nno answer: " + error;
  }
}

function show(path, method, operation, parent) {
  const details = make("details", "", parent);
  const summary = make("summary", "", details);
  make("code", method.toUpperCase() + " " + path, summary);
  make("small", "  " + operation.summary, summary);
  let filled = false;
  details.addEventListener("toggle", () => {
    if (filled) return;
    filled = true;
    const fields = operation.parameters.map((parameter) => {
      const label = make("label", "", details);
      make("code", parameter.name, label);
      const input = make("input", "", label);
      if (parameter.example !== undefined) input.value = parameter.example;
      if (parameter.schema.default !== undefined) input.placeholder = parameter.schema.default;
      make("span", parameter.description, label);
      return { parameter, input };
    });
    let body = null;
    if (operation.requestBody) {
      body = make("textarea", "", details);
      body.placeholder = "body";
    }
    const button = make("button", "Send", details);
    const out = make("pre", "", details);
    out.hidden = true;
    button.addEventListener("click", () => {
      out.hidden = false;
      send(method, path, fields, body, out);
    });
  });
}

fetch("openapi.json").then((answer) => answer.json()).then((document_) => {
  const list = document.getElementById("list");
  list.textContent = "";
  const groups = new Map();
  for (const [path, operations] of Object.entries(document_.paths)) {
    const methods = Object.keys(operations);
    const shown = methods.length > 3 ? methods.slice(0, 1) : methods.filter((m) => m !== "head" || methods.length === 1);
    for (const method of shown) {
      const operation = operations[method];
      const group = operation.tags[0];
      if (!groups.has(group)) {
        make("h2", group, list);
        groups.set(group, make("section", "", list));
      }
      show(path, method, operation, groups.get(group));
    }
  }
});
)";

constexpr std::string_view kPageRest = "</script>\n</body>\n</html>\n";

// Only this script may run, and it may talk to this server only.
const std::string& policy() {
  static const std::string text =
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
      "script-src 'sha256-" +
      polyport::http::base64(digest(Hash::kSha256, kScript)) + "'";
  return text;
}

void page(Call& call) {
  std::string text(kPageHead);
  text.append(kScript).append(kPageRest);
  call.respond(200, kHtml, text, {{"Content-Security-Policy", policy()}});
}

void openapi(Call& call) {
  call.json(openapi_json(call.options(), call.absolute(call.options().prefix)));
}

}  // namespace

std::span<const Route> docs_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/docs", "a page to try every endpoint on", page},
      {"GET", "/openapi.json", "all of this as an OpenAPI document", openapi},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
