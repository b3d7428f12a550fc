// What the subcommands share: reading a model's name, printing numbers, and the one form of errors.
#pragma once

#include <kunmetrics/conventions.hpp>
#include <kunmetrics/devices.hpp>
#include <kunmetrics/io/hf_config.hpp>
#include <kunmetrics/io/json.hpp>
#include <kunmetrics/io/markdown.hpp>
#include <kunmetrics/io/text.hpp>
#include <kunmetrics/models.hpp>
#include <kunmetrics/utilization.hpp>

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>

namespace tool {

namespace km = kunmetrics;

// A model of the registry or of a Hugging Face config.json. Throws input_error.
inline km::hf_model model_of(std::string const& name) {
  if (auto const known = km::model_named(name)) return {.name = name, .sizes = *known};
  std::filesystem::path const path{name};
  if (std::filesystem::exists(path)) return km::hf_config(path);
  throw km::input_error{km::detail::needed_found(name, "a model's name or the path of a config.json", "neither")};
}

// Throws input_error naming the model, its sizes and the length when FLOP under a convention are beyond 64 bits.
inline void require_countable(std::string const& model, km::transformer const& shape, km::sequence_length_t length) {
  try {
    km::flops::for_each_flop_per_token(shape, length, [](auto&&...) {});
  } catch (km::precondition_error const&) {
    throw km::input_error{km::detail::needed_found(
        model, "sizes and a --sequence-length whose FLOP can be counted within 64 bits",
        "num_hidden_layers = " + std::to_string(shape.layers) + ", hidden_size = " + std::to_string(shape.hidden) +
            ", vocab_size = " + std::to_string(shape.vocabulary) + " and " + std::to_string(length.coherent()))};
  }
}

// A device of the table by the name that was given at `where`. Throws input_error, with the reason.
inline km::device device_of(std::string const& where, std::string const& name) {
  auto const known = km::device_named(name);
  if (known) return *known;
  throw km::input_error{km::detail::needed_found(where, "a device of the table (kunmetrics device lists them)",
                                                 name + ": " + std::string{known.reason()})};
}

// A number of FLOP as JSON: an integer where it is one, exactly.
inline km::json flop_json(double flop) {
  constexpr double exact = 9007199254740992.0;
  if (flop == std::trunc(flop) && std::abs(flop) <= exact) return static_cast<std::int64_t>(flop);
  return flop;
}

// What only the last line of a table's text may say: nothing but the object on stdout.
inline void print(km::json const& object) { std::cout << object.dump(2) << '\n'; }

inline CLI::Option* add_sequence_length(CLI::App& app, std::int64_t& sequence_length) {
  return app.add_option("--sequence-length", sequence_length, "tokens of a sample")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40U));
}

}  // namespace tool
