#include "core/base/json_value.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace polyport {

// What nlohmann's reader calls; answering false ends the reading. The depth is bounded because the
// tree is destroyed by recursion.
class JsonTreeBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonTreeBuilder(JsonValue& root) : open_{&root} {}

  bool null() override { return add(JsonValue::Kind::kNull) != nullptr; }
  bool boolean(bool truth) override { return add_number(JsonValue::Kind::kBool, truth ? 1 : 0); }
  bool number_integer(number_integer_t number) override {
    return add_number(JsonValue::Kind::kNumber, number);
  }
  bool number_unsigned(number_unsigned_t number) override {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    if (number > static_cast<number_unsigned_t>(kMost)) return number_float(0, {});
    return add_number(JsonValue::Kind::kNumber, static_cast<std::int64_t>(number));
  }
  bool number_float(number_float_t, const string_t&) override {
    return add(JsonValue::Kind::kNumber) != nullptr;
  }
  bool string(string_t& text) override {
    JsonValue* const value = add(JsonValue::Kind::kString);
    if (value != nullptr) value->text_ = std::move(text);
    return value != nullptr;
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return begin(JsonValue::Kind::kObject); }
  bool start_array(std::size_t) override { return begin(JsonValue::Kind::kArray); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool key(string_t& text) override {
    key_ = std::move(text);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  JsonValue* add(JsonValue::Kind kind) {
    JsonValue* value = open_.back();  // the root itself, at first
    if (started_) {
      value->items_.emplace_back();
      value = &value->items_.back();
      value->key_ = std::exchange(key_, {});
    }
    started_ = true;
    value->kind_ = kind;
    return value;
  }
  bool add_number(JsonValue::Kind kind, std::int64_t number) {
    JsonValue* const value = add(kind);
    value->integral_ = true;
    value->number_ = number;
    return true;
  }
  bool begin(JsonValue::Kind kind) {
    if (open_.size() > JsonValue::kMaxDepth) return false;
    open_.push_back(add(kind));
    return true;
  }
  bool end() {
    open_.pop_back();
    return true;
  }

  std::vector<JsonValue*> open_;  // the root, then each array or object that has not ended
  std::string key_;
  bool started_ = false;
};

std::optional<JsonValue> JsonValue::parse(Bytes text) {
  JsonValue root;
  JsonTreeBuilder builder(root);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return std::nullopt;
  return root;
}

std::optional<std::int64_t> JsonValue::integer() const {
  if (kind_ != Kind::kNumber || !integral_) return std::nullopt;
  return number_;
}

const JsonValue* JsonValue::find(std::string_view key) const {
  for (auto each = items_.rbegin(); each != items_.rend(); ++each) {
    if (kind_ == Kind::kObject && each->key_ == key) return &*each;
  }
  return nullptr;
}

std::string_view JsonValue::text_of(std::string_view key) const {
  const JsonValue* const member = find(key);
  return member == nullptr ? std::string_view() : member->text();
}

}  // namespace polyport
