// What the tests of DeepSpeed's headers share: texts of a ds_config.json, and what is said of them.
#pragma once

#include <kunmetrics/io/deepspeed_config.hpp>

#include <string>
#include <string_view>

namespace deepspeed_test {

inline kunmetrics::deepspeed_config config_of(std::string_view text) {
  kunmetrics::json_document const document{"ds_config.json", text};
  return kunmetrics::deepspeed_configuration(kunmetrics::json_object{document});
}

// What is said about a file that must not be accepted; only input_error counts.
inline std::string refusal(std::string_view text) {
  try {
    config_of(text);
  } catch (kunmetrics::input_error const& error) {
    return error.what();
  }
  return "accepted";
}

inline std::string optimizer_text(std::string_view params, std::string_view type = "AdamW") {
  return "{\"optimizer\": {\"type\": \"" + std::string{type} + "\", \"params\": " + std::string{params} + "}}";
}

inline std::string schedule_text(std::string_view params, std::string_view type = "WarmupLR") {
  return "{\"scheduler\": {\"type\": \"" + std::string{type} + "\", \"params\": " + std::string{params} + "}}";
}

}  // namespace deepspeed_test
