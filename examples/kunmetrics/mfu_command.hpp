// kunmetrics mfu: a measured rate as MFU and HFU under every convention, against a peak with its source.
#pragma once

#include "command.hpp"

#include <kunmetrics/plausibility.hpp>

#include <map>
#include <optional>
#include <sstream>
#include <vector>

namespace tool {

// A peak as the command line gives it; absent where it is said to be confidential.
struct stated_peak {
  std::optional<double> flop_per_second;
  std::string device;
  std::string precision = "bf16";

  void add_to(CLI::App& app) {
    auto* const peak = app.add_option("--peak", flop_per_second,
                                      "peak of one processor in FLOP/s; 0 or less: confidential");
    auto* const name = app.add_option("--device", device, "a device of the table in place of a peak")->excludes(peak);
    app.add_option("--precision", precision, "of the products' inputs: fp16, bf16, fp8, ...")
        ->capture_default_str()
        ->excludes(peak);
    static_cast<void>(name);
  }

  bool given() const { return flop_per_second || !device.empty(); }

  // Throws input_error for a device or precision that is not known, and for a peak that is no FLOP/s of a processor.
  km::maybe<km::peak_rate> rate() const {
    using namespace km::units;
    if (flop_per_second && *flop_per_second <= 0) return km::absent{"the peak of this device is confidential"};
    if (flop_per_second) {
      require_flop_per_second(*flop_per_second);
      return km::peak_rate{.rate = *flop_per_second * flop / (processor * second),
                           .source = "stated on the command line"};
    }
    auto const known = device_of("--device", device);
    auto const at = km::precision_named(precision);
    if (!at) throw km::input_error{km::detail::needed_found("--precision", "a precision", precision)};
    auto const peak = km::peak(known, *at);
    if (!peak && peak.reason().find("confidential") == std::string_view::npos) {
      throw km::input_error{
          km::detail::needed_found("--precision", "one whose peak is known for " + std::string{known.name}, precision)};
    }
    return peak;
  }

 private:
  // TFLOP/s are taken for FLOP/s easily, and a utilization of a billion per cent is not seen in an audit's words.
  static void require_flop_per_second(double value) {
    constexpr double least = 1e9, most = 1e18;  // one slow core, hundreds of any card
    if (value >= least && value <= most) return;
    std::ostringstream found;
    found << value;
    throw km::input_error{km::detail::needed_found("--peak", "FLOP/s of one processor, such as 312e12", found.str())};
  }
};

// An MFU or HFU; more than 1 is no utilization.
struct named_ratio {
  std::string convention;
  double value;
};

struct mfu_command {
  std::string model;
  std::int64_t sequence_length = 0;
  double rate = 0;
  stated_peak peak;
  std::string recomputed = "none";

  void add_to(CLI::App& app) {
    app.add_option("--model", model, "a name of the registry, or the path of a Hugging Face config.json")->required();
    add_sequence_length(app, sequence_length)->required();
    app.add_option("--tokens-per-processor-second", rate, "tokens a second of one processor")
        ->required()
        ->check(CLI::PositiveNumber);
    peak.add_to(app);
    app.add_option("--recompute", recomputed, "what the backward pass computes again, for HFU")
        ->check(CLI::IsMember({"none", "selective", "layers", "all"}))->capture_default_str();
  }

  void run(bool as_json) const {
    if (!peak.given()) throw km::input_error{km::detail::needed_found("--peak", "it or --device", "neither")};
    auto const read = model_of(model);
    auto const limit = peak.rate();
    require_countable(model, read.shape(), sequence_length * km::units::token / km::units::sample);
    auto const use = utilizations(read.shape(), limit);
    require_possible(use.mfu, limit);
    if (as_json) {
      print(json_of(use, limit));
    } else {
      std::cout << table_of(use, limit);
    }
  }

 private:
  struct both {
    std::vector<named_ratio> mfu, hfu;
  };

  template <km::recompute Recompute, typename Convention>
  static void add_hfu(both& use, km::transformer const& shape, km::sequence_length_t length, double per_flop) {
    if constexpr (requires { typename km::hardware_work<Convention, Recompute>; }) {
      using work = km::hardware_work<Convention, Recompute>;
      use.hfu.push_back({std::string{Convention::name}, work::per_token(shape, length).coherent() * per_flop});
    }
  }

  both utilizations(km::transformer const& shape, km::maybe<km::peak_rate> const& limit) const {
    both use;
    auto const length = sequence_length * km::units::token / km::units::sample;
    auto const per_flop = limit ? rate / limit->rate.coherent() : std::numeric_limits<double>::quiet_NaN();
    km::flops::for_each_convention([&]<typename Convention>(Convention) {
      if (!km::flops::undefined_for<Convention>(shape).empty()) return;
      use.mfu.push_back({std::string{Convention::name}, Convention::per_token(shape, length).coherent() * per_flop});
      if (recomputed == "none") add_hfu<km::recompute::none, Convention>(use, shape, length, per_flop);
      if (recomputed == "selective") add_hfu<km::recompute::selective, Convention>(use, shape, length, per_flop);
      if (recomputed == "layers") add_hfu<km::recompute::layers, Convention>(use, shape, length, per_flop);
      if (recomputed == "all") add_hfu<km::recompute::all, Convention>(use, shape, length, per_flop);
    });
    return use;
  }

  // Of a device of the table the trap that its own peaks explain, if one does; else what may be another's.
  std::string likely_cause(double ratio, km::peak_rate const& limit) const {
    if (!peak.device.empty()) {
      auto const traps = km::likely_traps(ratio * km::units::one, limit, device_of("--device", peak.device));
      if (!traps.empty()) return traps.front().name + ": " + traps.front().explanation;
    }
    return "a rate of the whole job (divide by all processors), the peak of another device or precision, or the parameters of another model";
  }

  // Products alone above the peak cannot be.
  void require_possible(std::vector<named_ratio> const& mfu, km::maybe<km::peak_rate> const& limit) const {
    for (auto const& [convention, value] : mfu) {
      if (convention != "six_n_matmul" || !(value > 1)) continue;
      throw km::input_error{km::detail::needed_found(
          "--tokens-per-processor-second", "at most 100 % of the peak",
          km::formatted(value * 100, 1) + " % for the products alone; likely " + likely_cause(value, *limit))};
    }
  }

  static km::json ratios(std::vector<named_ratio> const& use) {
    km::json object = km::json::object();
    for (auto const& [convention, value] : use) {
      object[convention] = std::isfinite(value) ? km::json(value) : km::json(nullptr);
    }
    return object;
  }

  static km::json json_of(both const& use, km::maybe<km::peak_rate> const& limit) {
    km::json object{{"mfu", ratios(use.mfu)}, {"hfu", ratios(use.hfu)}};
    object["peak"] = limit ? km::json{{"flop_per_second", flop_json(limit->rate.coherent())}, {"source", limit->source}}
                           : km::json{{"flop_per_second", nullptr}, {"reason", limit.reason()}};
    return object;
  }

  std::string table_of(both const& use, km::maybe<km::peak_rate> const& limit) const {
    std::map<std::string, double> hfu;
    for (auto const& [convention, value] : use.hfu) hfu.emplace(convention, value);
    std::vector<km::table_row<3>> rows{{"convention", "MFU (%)", "HFU (%), recompute " + recomputed}};
    for (auto const& [convention, value] : use.mfu) {
      auto const executed = hfu.find(convention);
      rows.push_back({convention, km::formatted(value * 100, 2),
                      executed == hfu.end() ? "-" : km::formatted(executed->second * 100, 2)});
    }
    auto const provenance = limit ? "of " + km::significant(limit->rate.coherent() / 1e12, 4) +
                                        " TFLOP/s a processor: " + std::string{limit->source}
                                  : "no MFU: " + std::string{limit.reason()};
    return km::markdown_table(rows) + "\nAt " + km::significant(rate, 5) + " token/(processor s), S = " +
           std::to_string(sequence_length) + ", " + provenance + ".\n";
  }
};

}  // namespace tool
