#include "app/worker_setup.h"

#include "core/base/json_writer.h"

namespace polyport {

namespace {

void write_list(JsonWriter& json, std::string_view key, const std::vector<std::string>& list) {
  json.key(key);
  json.begin_array();
  for (const std::string& each : list)
    json.value(each);
  json.end_array();
}

std::vector<std::string> read_list(const JsonValue& json, std::string_view key) {
  std::vector<std::string> list;
  const JsonValue* const found = json.find(key);
  if (found == nullptr) return list;
  for (const JsonValue& each : found->items())
    list.emplace_back(each.text());
  return list;
}

}  // namespace

std::string worker_setup_text(const WorkerSetup& setup) {
  const ConfigurationOptions& options = setup.configuration;
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  write_list(json, "what", options.what);
  write_list(json, "set", options.set);
  write_list(json, "only", options.only);
  json.field("offset", options.offset);
  if (options.source) {
    json.field("text", options.source->text);
    json.field("name", options.source->name);
    write_list(json, "arguments", options.source->arguments);
  }
  if (setup.development_certificate) {
    json.field("certificate", setup.development_certificate->certificate);
    json.field("key", setup.development_certificate->key);
    json.field("where", setup.development_certificate->where);
  }
  json.end_object();
  return text;
}

std::optional<WorkerSetup> read_worker_setup(const JsonValue& json) {
  const JsonValue* const text = json.find("text");
  const JsonValue* const offset = json.find("offset");
  if (text == nullptr || offset == nullptr || !offset->integer()) return std::nullopt;
  WorkerSetup setup;
  setup.configuration.what = read_list(json, "what");
  setup.configuration.set = read_list(json, "set");
  setup.configuration.only = read_list(json, "only");
  setup.configuration.offset = static_cast<int>(*offset->integer());
  setup.configuration.source = Source{.text = std::string(text->text()),
                                      .name = std::string(json.text_of("name")),
                                      .arguments = read_list(json, "arguments"),
                                      .errors = {}};
  if (json.find("certificate") != nullptr) {
    setup.development_certificate =
        TlsFiles{.certificate = std::string(json.text_of("certificate")),
                 .key = std::string(json.text_of("key")),
                 .where = std::string(json.text_of("where"))};
  }
  return setup;
}

}  // namespace polyport
