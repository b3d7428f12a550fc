// Tuned FC plans as JSON: in the report, and in a cache of this user's so that the next run need not measure.
//
//   $XDG_CACHE_HOME/kunmetrics/fc_tuning.json, else ~/.cache/...: an object of tunings by what they hold for:
//   CPU, version of oneDNN, OpenBLAS if there is one, precision, threads of a rank, sizes of the model, tokens of
//   a micro-batch
// A cache that cannot be read, or has another form, is as one that is empty; one that cannot be written is
// told of and changes nothing else. Two runs that write at once leave the entries of the later one.
#pragma once

#include "fc_tuner.hpp"
#include "operators/openblas.hpp"

#include <kunmetrics/devices.hpp>
#include <kunmetrics/io/json.hpp>
#include <kunmetrics/io/linux_environment.hpp>
#include <kunmetrics/io/text.hpp>
#include <kunmetrics/io/whole_file.hpp>

#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace trainer {

/// What a tuning holds for.
struct fc_situation {
  llama_shape shape{};
  std::int64_t rows = 0;  // tokens of a micro-batch
  int threads = 1;
  kunmetrics::precision precision = kunmetrics::fp32;
};

inline std::string fc_key(fc_situation const& where) {
  auto const* const dnn = dnnl_version();
  auto const* const blas = openblas::library();
  auto const& s = where.shape;
  std::string key = kunmetrics::linux_environment().cpu.value_or("an unknown CPU") + "; oneDNN " + std::to_string(dnn->major) + "." +
                    std::to_string(dnn->minor) + "." + std::to_string(dnn->patch) + "; " +
                    (blas != nullptr ? blas->description() : "no OpenBLAS") + "; " + std::string{name_of(where.precision)} + "; threads " + std::to_string(where.threads);
  for (auto const& [name, size] : {std::pair{"layers", s.layers}, {"hidden", s.hidden}, {"heads", s.heads}, {"kv_heads", s.kv_heads},
                                   {"head_size", s.head_size}, {"ffn", s.ffn}, {"vocabulary", s.vocabulary}, {"tokens", where.rows}}) {
    key.append("; ").append(name).append(" ").append(std::to_string(size));
  }
  return key;
}

namespace detail {
inline kunmetrics::json json_of(fc_candidate const& one) {
  return {{"kernel", fc_kernel_names[static_cast<std::size_t>(one.how.kernel)]}, {"block_rows", one.rows},
          {"block_columns", one.how.columns}, {"seconds", one.seconds}};
}

template <class Enum, std::size_t N>
Enum named(std::array<std::string_view, N> const& names, kunmetrics::json const& name) {
  auto const found = std::ranges::find(names, name.get<std::string>());
  if (found == names.end()) throw std::invalid_argument("fc_cache: a known name was needed, received " + name.dump());
  return static_cast<Enum>(found - names.begin());
}

inline std::int64_t in_range(kunmetrics::json const& from, char const* name, std::int64_t least, std::int64_t most) {
  auto const value = from.at(name).get<std::int64_t>();
  if (value >= least && value <= most) return value;
  throw std::invalid_argument(std::string{"fc_cache: "} + name + " of " + std::to_string(least) + " to " + std::to_string(most) +
                              " was needed, received " + std::to_string(value));
}

inline fc_candidate candidate_of(kunmetrics::json const& from) {
  return {{named<fc_kernel>(fc_kernel_names, from.at("kernel")), in_range(from, "block_columns", 0, 1 << 20)},
          in_range(from, "block_rows", 1, 4096), from.at("seconds").get<double>()};
}
}  // namespace detail

/// {"block_rows", "complete", "products": [{"matrix", "pass", "m", "n", "k", "before", "now"}]}
inline kunmetrics::json json_of(fc_tuning const& tuning) {
  auto products = kunmetrics::json::array();
  for (auto const& one : tuning.products) {
    products.push_back({{"matrix", fc_matrix_names[static_cast<std::size_t>(one.matrix)]},
                        {"pass", fc_use_names[static_cast<std::size_t>(one.use)]},
                        {"m", one.m}, {"n", one.n}, {"k", one.k},
                        {"before", detail::json_of(one.before)}, {"now", detail::json_of(one.now)}});
  }
  return {{"block_rows", tuning.plan.height}, {"complete", tuning.complete}, {"products", std::move(products)}};
}

/// The tuning that json_of wrote; throws std::exception for anything else.
inline fc_tuning fc_tuning_of(kunmetrics::json const& from) {
  fc_tuning tuning;
  tuning.plan.height = detail::in_range(from, "block_rows", 1, 4096);
  tuning.complete = from.at("complete").get<bool>();
  for (auto const& one : from.at("products")) {
    fc_tuned const product{detail::named<fc_matrix>(fc_matrix_names, one.at("matrix")), detail::named<fc_use>(fc_use_names, one.at("pass")),
                           one.at("m").get<std::int64_t>(), one.at("n").get<std::int64_t>(), one.at("k").get<std::int64_t>(),
                           detail::candidate_of(one.at("before")), detail::candidate_of(one.at("now"))};
    adopt(tuning.plan, product);
    tuning.products.push_back(product);
  }
  return tuning;
}

/// Where this user's tunings are kept; absent where neither XDG_CACHE_HOME nor HOME is set.
inline std::optional<std::filesystem::path> fc_cache_path() {
  for (auto const& [variable, below] : {std::pair{"XDG_CACHE_HOME", ""}, {"HOME", ".cache"}}) {
    char const* const folder = std::getenv(variable);
    if (folder != nullptr && *folder == '/') return std::filesystem::path{folder} / below / "kunmetrics" / "fc_tuning.json";
  }
  return std::nullopt;
}

class fc_cache {
 public:
  explicit fc_cache(std::filesystem::path path) : path_(std::move(path)) {
    std::ifstream file{path_};
    auto read = kunmetrics::json::parse(file, nullptr, false);
    entries_ = read.is_object() ? std::move(read) : kunmetrics::json::object();
  }

  std::optional<fc_tuning> find(std::string const& key) const {
    auto const entry = entries_.find(key);
    if (entry == entries_.end()) return std::nullopt;
    try {
      return fc_tuning_of(*entry);
    } catch (std::exception const&) {
      return std::nullopt;
    }
  }

  /// Keeps a tuning; throws what write_whole throws.
  void keep(std::string const& key, fc_tuning const& tuning) {
    entries_[key] = json_of(tuning);
    std::filesystem::create_directories(path_.parent_path());
    kunmetrics::write_whole(path_, entries_.dump(1) + "\n");
  }

 private:
  std::filesystem::path path_;
  kunmetrics::json entries_;
};

/// What was tuned, for people: one line a product, rates in GFLOP/s, the gain over the plan that is not tuned,
/// and the share of `ceiling` FLOP/s of the rank.
inline std::string fc_table(fc_tuning const& tuning, double ceiling) {
  using kunmetrics::significant;
  std::string text = "FC blocking                      M       N       K  kernel    rows  columns   GFLOP/s    gain  of ceiling\n";
  for (auto const& one : tuning.products) {
    auto const rate = one.flop() / one.now.seconds;
    std::array<char, 160> line;
    std::snprintf(line.data(), line.size(), "%-8s %-16s %7lld %7lld %7lld  %-8s  %4lld  %7s  %8s  %6s  %8s %%\n",
                  fc_matrix_names[static_cast<std::size_t>(one.matrix)].data(), fc_use_names[static_cast<std::size_t>(one.use)].data(),
                  static_cast<long long>(one.m), static_cast<long long>(one.n), static_cast<long long>(one.k),
                  fc_kernel_names[static_cast<std::size_t>(one.now.how.kernel)].data(), static_cast<long long>(one.now.rows),
                  one.now.how.columns > 0 ? std::to_string(one.now.how.columns).c_str() : "all",
                  significant(rate / 1e9, 4).c_str(), significant(one.before.seconds / one.now.seconds, 3).c_str(),
                  significant(100 * rate / ceiling, 3).c_str());
    text += line.data();
  }
  if (!tuning.complete) text += "the time for measuring was spent: products not listed are as they were\n";
  return text;
}

}  // namespace trainer
