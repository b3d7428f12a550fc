// The named requirements (concepts) of the library, in one place.
//
// A convention says how many FLOP one token costs. A calculator turns a run's description and an
// interval of measurement into one number. A user's own of either plugs in beside ours.
#pragma once

#include <kunmetrics/fields.hpp>
#include <kunmetrics/training_case.hpp>

#include <concepts>
#include <string_view>

namespace kunmetrics {

using flop_per_token_t = quantity_of<units::flop / units::token>;  // whole numbers, but for windows

// What was measured over an interval: whole sums, never means of rates. Useful tokens and energy are
// known of as many steps as said them: of the whole interval where that is all of `steps`.
struct interval {
  count_of<units::token> tokens{};  // all that were computed, padding included
  quantity_of<units::second> time{};
  count_of<units::step> steps{};
  count_of<units::token> useful_tokens{};
  count_of<units::step> steps_with_useful_tokens{};
  quantity_of<units::joule> energy{};
  count_of<units::step> steps_with_energy{};

  constexpr interval& operator+=(interval const& more) {
    tokens += more.tokens;
    time += more.time;
    steps += more.steps;
    useful_tokens += more.useful_tokens;
    steps_with_useful_tokens += more.steps_with_useful_tokens;
    energy += more.energy;
    steps_with_energy += more.steps_with_energy;
    return *this;
  }
  // What is left when a part of the interval is taken out.
  constexpr interval& operator-=(interval const& part) {
    tokens -= part.tokens;
    time -= part.time;
    steps -= part.steps;
    useful_tokens -= part.useful_tokens;
    steps_with_useful_tokens -= part.steps_with_useful_tokens;
    energy -= part.energy;
    steps_with_energy -= part.steps_with_energy;
    return *this;
  }

  using hana_accessors_impl = fields<
      field<"tokens", &interval::tokens>, field<"time", &interval::time>, field<"steps", &interval::steps>,
      field<"useful_tokens", &interval::useful_tokens>,
      field<"steps_with_useful_tokens", &interval::steps_with_useful_tokens>, field<"energy", &interval::energy>,
      field<"steps_with_energy", &interval::steps_with_energy>>;
};

// `per_token`: FLOP of forward and backward, recomputation not included.
template <typename C>
concept convention = requires(transformer const& model, sequence_length_t sequence_length) {
  { C::name } -> std::convertible_to<std::string_view>;
  { C::per_token(model, sequence_length) } -> std::same_as<flop_per_token_t>;
};

// A convention that also tells the layers' share and, in it, attention's: what recomputation of
// layers or of attention alone is reckoned from.
template <typename C>
concept layered_convention = convention<C> && requires(transformer const& model, sequence_length_t sequence_length) {
  { C::layers_per_token(model, sequence_length) } -> std::same_as<flop_per_token_t>;
  { C::attention_per_token(model, sequence_length) } -> std::same_as<flop_per_token_t>;
};

// One that tells what its forward pass is, which elsewhere is a third: some of its weights are not trained.
template <typename C>
concept convention_with_forward = convention<C> && requires(transformer const& model, sequence_length_t sequence_length) {
  { C::forward_per_token(model, sequence_length) } -> std::same_as<flop_per_token_t>;
};

// `name` is the key under which a result is written.
template <typename C>
concept calculator = requires(C const& c, training_case const& run, interval const& over) {
  { C::name } -> std::convertible_to<std::string_view>;
  c(run, over);
};

// A calculator with the run it is for: what remains is the interval. Ends a pipeline of views.hpp.
template <calculator Calculator>
struct calculation {
  training_case run;
  Calculator calculate;

  constexpr auto operator()(interval const& over) const { return calculate(run, over); }
};
template <calculator Calculator>
constexpr calculation<Calculator> over(training_case const& run, Calculator const& calculate) {
  return {run, calculate};
}

}  // namespace kunmetrics
