#include "core/base/json_value.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace polyport {
namespace {

// Builds the tree from what the parser meets. Each function answers whether to go on.
class Builder final : public nlohmann::json::json_sax_t {
 public:
  bool null() override { return add({}) != nullptr; }
  bool boolean(bool truth) override {
    return add({.kind = JsonValue::Kind::kBool, .truth = truth}) != nullptr;
  }
  bool number_integer(number_integer_t number) override {
    return add_number(static_cast<double>(number));
  }
  bool number_unsigned(number_unsigned_t number) override {
    return add_number(static_cast<double>(number));
  }
  bool number_float(number_float_t number, const string_t&) override { return add_number(number); }
  bool string(string_t& text) override {
    return add({.kind = JsonValue::Kind::kString, .text = std::move(text)}) != nullptr;
  }
  bool binary(binary_t&) override { return false; }  // not of JSON
  bool start_object(std::size_t) override { return open(JsonValue::Kind::kObject); }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(JsonValue::Kind::kArray); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

  JsonValue take() { return std::move(root_); }

 private:
  // A nest's address holds until it is closed: only the innermost one grows.
  JsonValue* add(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    JsonValue& nest = *open_.back();
    if (nest.kind == JsonValue::Kind::kObject) value.name = std::move(key_);
    return &nest.items.emplace_back(std::move(value));
  }

  bool add_number(double number) {
    return add({.kind = JsonValue::Kind::kNumber, .number = number}) != nullptr;
  }

  bool open(JsonValue::Kind kind) {
    if (open_.size() == kMaxJsonDepth) return false;
    open_.push_back(add({.kind = kind}));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  JsonValue root_;
  std::string key_;
  std::vector<JsonValue*> open_;
};

}  // namespace

bool is_json(Bytes text) {
  return nlohmann::json::accept(text.begin(), text.end());
}

const JsonValue* JsonValue::find(std::string_view wanted) const {
  if (kind != Kind::kObject) return nullptr;
  const auto member = std::find_if(items.begin(), items.end(),
                                   [&](const JsonValue& each) { return each.name == wanted; });
  return member == items.end() ? nullptr : &*member;
}

std::string_view JsonValue::text_of(std::string_view wanted) const {
  const JsonValue* const member = find(wanted);
  return member != nullptr && member->kind == Kind::kString ? std::string_view(member->text)
                                                            : std::string_view();
}

std::optional<JsonValue> read_json(Bytes text) {
  Builder builder;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return std::nullopt;
  return builder.take();
}

}  // namespace polyport
