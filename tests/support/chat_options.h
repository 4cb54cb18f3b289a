// The checked options of a chat, from TOML as a user writes it.
#pragma once

#include <string>

#include "core/service.h"
#include "core/settings/settings.h"
#include "tests/support/catch.h"

namespace polyport::services::chat {
extern const ServiceType service_type;
}

namespace polyport::test {

inline LoadResult load_chat(const std::string& rows) {
  const ServiceType& type = services::chat::service_type;
  TypeSchema chat{
      .name = "chat", .default_port = 1, .options = {common_options(), type.options}, .doors = {}};
  for (const Door& door : type.doors)
    chat.doors.push_back({.option = door.option, .transports = door.transports});
  Schema schema;
  schema.health = schema.admin = chat;
  schema.health.name = "health";
  schema.admin.name = "admin";
  schema.types = {chat};
  return load_settings("[services.chat]\n" + rows, "test.toml", schema);
}

inline OptionValues chat_options(const std::string& rows) {
  const LoadResult loaded = load_chat(rows);
  for (const Error& error : loaded.errors)
    UNSCOPED_INFO(error.text());
  REQUIRE(loaded.ok());
  return loaded.settings.services.front().values;
}

}  // namespace polyport::test
