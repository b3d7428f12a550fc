// kunmetrics project --case FILE: what training so many tokens would take at an assumed rate; told as a projection.
#pragma once

#include "planned_case.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tool {

struct project_command {
  case_options given;
  std::optional<double> mfu, rate, tokens;

  void add_to(CLI::App& app) {
    given.add_to(app);
    auto* const assumed = app.add_option("--mfu", mfu, "assume this MFU (palm), as 0.5; nothing assumed: the bound of a step")
                              ->check(CLI::Range(1e-6, 1.0));
    app.add_option("--tokens-per-processor-second", rate, "assume this rate, measured elsewhere perhaps")
        ->check(CLI::PositiveNumber)->excludes(assumed);
    app.add_option("--tokens", tokens, "tokens to train, as 2e12")->check(CLI::Range(1.0, 1e18));
  }

  void run(bool as_json) const {
    auto const of = given.read();
    auto const assumed = assumption(of);
    if (as_json) return print(json_of(of, assumed));
    std::cout << table_of(of, assumed);
  }

 private:
  struct assumption_of_rate {
    std::string text;
    km::token_rate_t rate;
  };

  // Throws input_error where there is neither a rate nor a peak, and for a rate above the peak.
  assumption_of_rate assumption(planned_case const& of) const {
    using namespace km::units;
    auto const limit = of.peak();
    if (rate) {
      auto const value = *rate * token / (processor * second);
      auto const use = use_of(of, value);
      if (use && use->coherent() > 1) {
        throw km::input_error{km::detail::needed_found("--tokens-per-processor-second", "at most 100 % of the peak",
                                                       km::formatted(100 * use->coherent(), 1) + " % MFU (palm)")};
      }
      return {"a rate that was given", value};
    }
    if (!limit) {
      throw km::input_error{km::detail::needed_found("--tokens-per-processor-second", "it, or a device of known peak",
                                                     std::string{of.run().processor.name} + ": " + std::string{limit.reason()})};
    }
    if (mfu) {
      return {"an MFU (palm) of " + km::significant(100 * *mfu, 4) + " %",
              km::rate_at_mfu<km::flops::palm>(of.run().model, of.run().sequence_length, *limit, *mfu * one).value};
    }
    auto const bound = of.bound()->value;
    return {std::string{"the bound of a step, set by "} + (bound.is_of_communication() ? "communication" : "computation"),
            1.0 * km::tokens_per_step(of.run()) / km::processors(of.run().cluster) / bound.whole()};
  }

  static km::maybe<km::quantity_of<km::units::one>> use_of(planned_case const& of, km::token_rate_t rate) {
    auto const limit = of.peak();
    if (!limit) return km::absent{limit.reason()};
    return km::mfu<km::flops::palm>(of.run().model, of.run().sequence_length, rate, *limit).ratio;
  }

  km::maybe<km::projected<km::quantity_of<km::units::second>>> time(planned_case const& of, km::token_rate_t at) const {
    if (!tokens) return km::absent{"--tokens says how many are to be trained"};
    return km::training_time(*tokens * km::units::token, at, km::processors(of.run().cluster));
  }

  km::maybe<km::quantity_of<km::units::joule>> energy(planned_case const& of, km::token_rate_t at) const {
    auto const whole = time(of, at);
    if (!whole) return km::absent{whole.reason()};
    if (!of.run().processor.power) return km::absent{"no rated power is known for this device"};
    return km::energy_at_rated_power(*whole, km::processors(of.run().cluster), *of.run().processor.power).value;
  }

  km::json json_of(planned_case const& of, assumption_of_rate const& assumed) const {
    auto const world = km::processors(of.run().cluster);
    auto const whole = time(of, assumed.rate);
    km::json object{{"projection", true},
                    {"name", of.what().name},
                    {"processor", of.run().processor.name},
                    {"processors", km::json_of(world)},
                    {"assumed", assumed.text},
                    {"tokens_per_processor_second", km::json_of(assumed.rate)},
                    {"throughput", km::json_of(assumed.rate * world)},
                    {"mfu", {{km::flops::palm::name, km::json_of(use_of(of, assumed.rate))}}},
                    {"step_time", km::json_of(1.0 * km::tokens_per_step(of.run()) / (assumed.rate * world))}};
    using km::units::processor, km::units::second;
    km::maybe<km::quantity_of<second>> const seconds = whole ? km::maybe<km::quantity_of<second>>{whole->value} : km::absent{whole.reason()};
    object["time"] = km::json_of(seconds);
    object["processor_time"] = whole ? km::json_of(km::processor_time(*whole, world).value)
                                     : km::json{{"value", nullptr}, {"unit", "processor s"}, {"reason", whole.reason()}};
    object["energy_at_rated_power"] = km::json_of(energy(of, assumed.rate));
    return object;
  }

  std::string table_of(planned_case const& of, assumption_of_rate const& assumed) const {
    using namespace km::units;
    auto const world = km::processors(of.run().cluster);
    auto const whole = time(of, assumed.rate);
    auto const use = use_of(of, assumed.rate);
    std::vector<km::table_row<2>> rows{{"projection", of.what().name}};
    rows.push_back({"assumed", assumed.text});
    rows.push_back({"tokens/p/s", km::formatted(assumed.rate.coherent(), 1)});
    rows.push_back({"tokens/s of " + std::to_string(world.coherent()) + " processors", km::formatted((assumed.rate * world).coherent(), 1)});
    rows.push_back({"MFU(palm)", use ? km::formatted(100 * use->coherent(), 2) + " %" : "- (" + std::string{use.reason()} + ")"});
    rows.push_back({"time of a step", km::formatted((1.0 * km::tokens_per_step(of.run()) / (assumed.rate * world)).coherent(), 4) + " s"});
    if (whole) {
      auto const used = energy(of, assumed.rate);
      rows.push_back({"time", km::formatted(whole->value.in(hour), 1) + " h"});
      rows.push_back({"processor hours", km::formatted(km::processor_time(*whole, world).value.coherent() / 3600, 0)});
      rows.push_back({"energy at rated power", used ? km::formatted(used->coherent() / 3.6e9, 3) + " MWh" : "- (" + std::string{used.reason()} + ")"});
    }
    return km::markdown_table(rows) + "\nA projection: nothing here was measured on this case.\n";
  }
};

}  // namespace tool
