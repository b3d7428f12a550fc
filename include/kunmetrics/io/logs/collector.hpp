// Where the readers of all frameworks put what they read.
//
// A step is counted once: a record is a repeat when another rank says a step that is not new, or
// when the same step comes again with the same loss. The same rank at an earlier step, or at the
// same one with another loss, is a restart. Two kinds of lines may tell of the same steps
// (DeepSpeed's under Megatron's): each kind counts for itself, and a statistic is fed by the kind
// that fed it first.
#pragma once

#include <kunmetrics/io/logs/facts.hpp>

#include <bit>
#include <utility>

namespace kunmetrics::logs {

enum class field : std::uint8_t {
  step_time, micro_step_time, loss, tokens_per_step, tokens_seen, samples_seen, micro_steps_seen, tokens_per_second,
  tokens_per_processor_second, samples_per_second, flop_rate, hardware_flop_rate, mfu, hfu
};
inline constexpr std::size_t fields = 14;

// Kinds of lines that hold steps, the one whose count is the log's first.
enum class source : std::uint8_t {
  megatron, nemo, torchtitan, nanotron, maxtext, composer, olmo, internevo, colossalai, prime_rl, nanochat, llm_c,
  nanogpt, litgpt, hugging_face, lightning, flagperf, json, deepspeed_chat, deepspeed_pipeline, deepspeed_step,
  deepspeed_timer, deepspeed_profiler
};
inline constexpr std::size_t sources = 23;

// What one line says of one step.
class record {
 public:
  std::optional<std::int64_t> step;
  std::int64_t rank = -1;
  std::optional<double> epoch;  // tells records without a step number apart

  void set(field f, std::optional<printed> const& number) {
    if (!number) return;
    values_[static_cast<std::size_t>(f)] = *number;
    said_ |= 1U << static_cast<unsigned>(f);
  }
  bool says(field f) const { return (said_ >> static_cast<unsigned>(f) & 1U) != 0; }
  printed value(field f) const { return values_[static_cast<std::size_t>(f)]; }
  bool empty() const { return said_ == 0; }
  std::optional<double> loss() const {
    return says(field::loss) ? std::optional{value(field::loss).value} : std::nullopt;
  }

  // What this says and the other does not.
  record without(record const& other) const {
    auto rest = *this;
    rest.said_ &= ~other.said_;
    return rest;
  }

  // Calls visit(field, number) for each number it says, in the order of the fields.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (auto left = said_; left != 0; left &= left - 1) {
      auto const f = std::countr_zero(left);
      visit(static_cast<field>(f), values_[static_cast<std::size_t>(f)]);
    }
  }

 private:
  std::array<printed, fields> values_{};
  unsigned said_ = 0;
};

class collector;

// How a cell of a line began, its colon with it, and who reads what follows: lines of one program repeat
// their cells, so that the next line's are known without a look at their names.
class seen_cell {
 public:
  using reader = void (*)(std::string_view value, record& into, collector& to);

  bool begins(std::string_view text) const { return size_ > 0 && text.starts_with(head()); }
  std::size_t size() const { return size_; }
  void read(std::string_view value, record& into, collector& to) const {
    if (read_ != nullptr) read_(value, into, to);
  }
  void see(std::string_view head, reader of_its_value) {
    size_ = head.size() <= text_.size() ? static_cast<std::uint8_t>(head.size()) : std::uint8_t{0};
    std::ranges::copy(head.substr(0, size_), text_.begin());
    read_ = of_its_value;
  }

 private:
  std::string_view head() const { return {text_.data(), size_}; }

  std::array<char, 55> text_{};
  std::uint8_t size_ = 0;
  reader read_ = nullptr;
};

class collector {
 public:
  training_log log;
  std::array<seen_cell, 24> cells;  // of the last line of cells between bars

  void next_line() { ++log.lines; }
  void mark(log_framework f) { marks_ |= 1U << static_cast<unsigned>(f); }
  bool marked(log_framework f) const { return (marks_ >> static_cast<unsigned>(f) & 1U) != 0; }

  // A step's line. False when it is left out as a repeat.
  bool take(source from, record const& next) {
    auto& known = progress_[static_cast<std::size_t>(from)];
    from_ = from;
    accepting_ = known.accepts(next);
    if (!accepting_) return false;
    feed_all(from, next, known.last_step);
    if (from == before_source_ && !before_.empty()) {
      feed_all(from, std::exchange(before_, {}).without(next), known.last_step);
    }
    return true;
  }

  // One more number of the step whose line came last, where that was of this kind and counted.
  void add(source from, field f, std::optional<printed> const& number) {
    if (!number || from_ != from || !accepting_) return;
    if (f == field::loss) progress_[static_cast<std::size_t>(from)].loss = number->value;
    feed(from, f, *number, progress_[static_cast<std::size_t>(from)].last_step);
  }

  // A number that the next line of this kind belongs to.
  void precede(source from, field f, std::optional<printed> const& number) {
    before_source_ = from;
    before_.set(f, number);
  }

  // A total said for the whole run, outside of any step.
  void add_total(std::optional<running_total>& total, std::optional<printed> const& number) const {
    if (number) grow(total, *number, std::nullopt);
  }

  void summarise(field f, std::optional<printed> const& number) {
    if (auto* claim = claim_of(log.summary, f); claim != nullptr && number) grow(*claim, *number);
  }

  template <typename T>
  void state(std::optional<said<T>>& fact, std::optional<T> value) {
    if (!value) return;
    if (!fact) {
      fact = said<T>{std::move(*value), log.lines, false};
    } else if (fact->value != *value) {
      fact->value = std::move(*value);
      fact->changed = true;
    }
  }
  // A count of things that there must be at least one of.
  void state_count(std::optional<said<std::int64_t>>& fact, std::optional<printed> const& number) {
    if (auto const count = count_of(number); count && *count > 0) state(fact, count);
  }
  void state_amount(std::optional<said<double>>& fact, std::optional<printed> const& number) {
    if (number && number->value > 0 && std::isfinite(number->value)) state(fact, std::optional{number->value});
  }
  // One for the whole run, said outside of any step.
  void state_tokens_per_step(std::optional<printed> const& number) {
    if (number && number->value > 0) grow(log.tokens_per_step, *number);
  }

  // Names the framework, and the steps by the most telling kind of line. `hint` decides between
  // frameworks whose lines are the same.
  void conclude(std::optional<log_framework> hint) {
    for (auto const& known : progress_) {
      if (known.steps == 0) continue;
      log.steps = known.steps;
      log.repeats = known.repeats;
      log.restarts = known.restarts;
      log.first_step = known.first_step;
      log.last_step = known.last_step;
      break;
    }
    if (auto const found = framework(hint)) log.framework = name_of(*found);
  }

 private:
  struct progress {
    std::int64_t steps = 0;
    std::int64_t repeats = 0;
    std::int64_t restarts = 0;
    std::optional<std::int64_t> first_step;
    std::optional<std::int64_t> last_step;
    std::int64_t rank = -1;
    std::optional<double> epoch;
    std::optional<double> loss;

    bool accepts(record const& next) {
      bool const back = steps > 0 && next.step && last_step && *next.step <= *last_step;
      bool const again = back && *next.step == *last_step && (!next.loss() || next.loss() == loss);
      bool const same_epoch = steps > 0 && !next.step && next.epoch && next.epoch == epoch && next.loss() == loss;
      if (again || same_epoch || (back && next.rank != rank)) {
        ++repeats;
        return false;
      }
      if (back) ++restarts;
      ++steps;
      rank = next.rank;
      epoch = next.epoch;
      loss = next.loss();
      if (next.step) last_step = next.step;
      if (!first_step) first_step = next.step;
      return true;
    }
  };

  void grow(std::optional<running_statistic>& statistic, printed number) const {
    if (!std::isfinite(number.value)) return;  // beyond a double, in the unit that is meant
    if (!statistic) {
      statistic = running_statistic{.first = number.value, .min = number.value, .max = number.value, .line = log.lines};
    }
    auto& s = *statistic;
    if (s.count < static_cast<std::int64_t>(s.early.size())) s.early[static_cast<std::size_t>(s.count)] = number.value;
    ++s.count;
    s.last = number.value;
    s.min = std::min(s.min, number.value);
    s.max = std::max(s.max, number.value);
    s.sum += number.value;
    s.resolution = std::max(s.resolution, number.resolution);
  }

  void grow(std::optional<running_total>& total, printed number, std::optional<std::int64_t> step) const {
    if (!std::isfinite(number.value)) return;
    if (!total) {
      total = running_total{.first = number.value,
                            .last = number.value,
                            .first_step = step,
                            .last_step = step,
                            .resolution = number.resolution,
                            .line = log.lines};
      return;
    }
    auto& t = *total;
    t.resolution = std::max(t.resolution, number.resolution);
    if (step && t.last_step && *step > *t.last_step && number.value > t.last) {
      auto const gain = number.value - t.last;
      t.least_gain = t.steps == 0 ? gain : std::min(t.least_gain, gain);
      t.gained += gain;
      t.steps += *step - *t.last_step;
    }
    t.last = number.value;
    t.last_step = step;
  }

  static std::optional<running_statistic>* claim_of(log_claims& claims, field f) {
    switch (f) {
      case field::tokens_per_second: return &claims.tokens_per_second;
      case field::tokens_per_processor_second: return &claims.tokens_per_processor_second;
      case field::samples_per_second: return &claims.samples_per_second;
      case field::flop_rate: return &claims.flop_rate;
      case field::hardware_flop_rate: return &claims.hardware_flop_rate;
      case field::mfu: return &claims.mfu;
      case field::hfu: return &claims.hfu;
      default: return nullptr;
    }
  }

  void feed_all(source from, record const& said, std::optional<std::int64_t> step) {
    said.for_each([&](field f, printed number) { feed(from, f, number, step); });
  }

  void feed(source from, field f, printed number, std::optional<std::int64_t> step) {
    auto& owner = owners_[static_cast<std::size_t>(f)];
    if (!owner) owner = from;
    if (*owner != from) return;
    switch (f) {
      case field::step_time: return grow(log.step_time, number);
      case field::micro_step_time: return grow(log.micro_step_time, number);
      case field::loss: return grow(log.loss, number);
      case field::tokens_per_step: return grow(log.tokens_per_step, number);
      case field::tokens_seen: return grow(log.tokens_seen, number, step);
      case field::samples_seen: return grow(log.samples_seen, number, step);
      case field::micro_steps_seen: return grow(log.micro_steps_seen, number, step);
      default: return grow(*claim_of(log.claimed, f), number);
    }
  }

  static bool is_megatron(log_framework f) { return f >= log_framework::primus && f <= log_framework::megatron; }

  std::optional<log_framework> framework(std::optional<log_framework> hint) {
    bool const megatron = marked(log_framework::megatron);
    // The name of a fork may stand in anybody's path: it counts beside Megatron's own lines only.
    if (megatron && marked(log_framework::deepspeed)) mark(log_framework::megatron_deepspeed);
    for (std::size_t i = 0; i < log_framework_names.size(); ++i) {
      auto const f = static_cast<log_framework>(i);
      if (!marked(f) || (is_megatron(f) && !megatron)) continue;
      return hint && is_megatron(f) && is_megatron(*hint) ? hint : f;
    }
    return std::nullopt;
  }

  unsigned marks_ = 0;
  bool accepting_ = false;
  source from_ = source::megatron;
  source before_source_ = source::megatron;
  record before_;
  std::array<std::optional<source>, fields> owners_{};
  std::array<progress, sources> progress_{};
};

// A line in which an anchor was found.
struct anchored_line {
  std::string_view text;
  std::string_view after;  // what follows the anchor
};

// Reads a line with its anchor. True when that was all there is to read in it.
using line_reader = bool (*)(anchored_line const&, collector&);

struct log_anchor {
  std::string_view text;
  line_reader read;
};

// Readers of a fact whose number follows the anchor; `Marks`, where given, are the frameworks that say it so.
template <auto Fact, log_framework... Marks>
bool states_count(anchored_line const& line, collector& to) {
  (to.mark(Marks), ...);
  to.state_count(to.log.*Fact, number_in(line.after));
  return false;
}
template <auto Fact, log_framework... Marks>
bool states_amount(anchored_line const& line, collector& to) {
  (to.mark(Marks), ...);
  to.state_amount(to.log.*Fact, human_number_in(line.after));
  return false;
}
template <log_framework... Marks>
bool states_tokens_per_step(anchored_line const& line, collector& to) {
  (to.mark(Marks), ...);
  to.state_tokens_per_step(number_in(line.after));
  return false;
}
// A number of the step that a line of this kind began.
template <source From, field Field>
bool adds(anchored_line const& line, collector& to) {
  to.add(From, Field, number_in(line.after));
  return true;
}
template <log_framework Mark>
bool marks(anchored_line const&, collector& to) {
  to.mark(Mark);
  return false;
}

// The rank that a launcher or a logger puts in front: [default7]:, [rank0]:, [rank-7/8], [Rank 0],
// rank=0, [1,7]<stdout>:, "7: iteration". -1 where none is said.
inline std::int64_t rank_of(std::string_view line) {
  auto const head = line.substr(0, 96);
  auto const leading = trimmed(head);
  parts::scanned_number const number{leading};
  if (number.valid() && leading.substr(number.size()).starts_with(": ")) {
    if (auto const rank = count_of(number.value())) return *rank;
  }
  for (std::string_view const name : {"[default", "ank", "[1,"}) {
    auto text = text_after(head, name);
    if (!text) continue;
    text->remove_prefix(std::min(text->find_first_not_of("= -"), text->size()));
    parts::scanned_number const printed_rank{*text};
    if (!printed_rank.valid()) continue;
    if (auto const rank = count_of(printed_rank.value())) return *rank;
  }
  return -1;
}

}  // namespace kunmetrics::logs
