// Papers, READMEs and logs: a rate and a shape lead to the published MFU, HFU or TFLOP/s under the one
// convention that fits a row's whole group.
#include "exceptions.hpp"
#include "shapes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr auto tera_each = teraflop / (processor * second);

// A value in the metric's unit, and the share by which what it was computed from is uncertain.
struct computed {
  double value = 0;
  double share = 0;
};

bool of_group(truth::csv_row const& row, std::initializer_list<std::string_view> groups) {
  return std::ranges::any_of(groups, [&](auto group) { return row.at("group").starts_with(group); });
}

// The number behind a phrase of a row's note, as text: "TFLOP/s/GPU=465.9" has 465.9.
std::string noted(truth::csv_row const& row, std::string_view phrase) {
  auto const& note = row.at("note");
  auto const at = note.find(phrase);
  if (at == std::string::npos) return {};
  auto const begin = at + phrase.size();
  return note.substr(begin, note.find_first_not_of("0123456789.", begin) - begin);
}

double share_of(std::string const& text) { return truth::half_unit(text) / *truth::number(text); }

// The shape that a row names, in one of the ways that rows have: its own column, the model's name, a
// parameter count, or "h=14400 L=77".
std::optional<transformer> named_shape(truth::csv_row const& row) {
  if (auto const shape = truth::shape_named(row.at("shape"))) return shape;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> models{
      {{"175B", "gpt3-175b-51200"},
       {"174.6B", "gpt3-175b-51200"},
       {"GPT-3 175B", "gpt3-175b-51200"},
       {"530B", "turing-530b"},
       {"529.6B", "turing-530b"},
       {"MT-NLG 530B", "turing-530b"},
       {"1T", "megatron-1t"},
       {"GLM-130B", "glm-130b"},
       {"nanochat d20", "nanochat-d20"},
       {"GPT-2 124M (bias=False)", "gpt2-bias-free"},
       {"shakespeare-char", "shakespeare-char"}}};
  auto const& name = row.at("model");
  for (auto const& [begin, shape] : models) {
    if (name.starts_with(begin)) return truth::shape_named(std::string{shape});
  }
  int hidden = 0;
  int layers = 0;
  auto const at = name.find("h=");
  if (at == std::string::npos || std::sscanf(name.c_str() + at, "h=%d L=%d", &hidden, &layers) != 2) {
    return std::nullopt;
  }
  return truth::gpt(layers, hidden, hidden % 128 == 0 ? hidden / 128 : 1, 250880);
}

// The size that a name advertises: "PaLM 540B (...)", "Gopher 280B".
std::int64_t advertised(truth::csv_row const& row) {
  auto const& name = row.at("model");
  auto const end = name.find("B (") != std::string::npos ? name.find("B (") : name.rfind('B');
  if (end == std::string::npos) return 0;
  auto const begin = name.find_last_of(' ', end) + 1;
  return static_cast<std::int64_t>(truth::number(name.substr(begin, end - begin)).value_or(0) * 1e9);
}

// The shape as a row's source takes it, where that is known to be another.
std::optional<transformer> shape_of(truth::csv_row const& row) {
  auto const& convention = row.at("strict_convention");
  if (convention == "6N_nominal") return transformer{.nominal_parameters = advertised(row)};
  auto shape = named_shape(row);
  if (!shape) return shape;
  if (of_group(row, {"NeMo-AutoModel"}) && row.at("model").starts_with("GPT-OSS")) {
    shape->head_size = shape->hidden / shape->heads;  // 45 for 64: the program's issue 3091
  }
  return truth::as_counted(convention, *shape);
}

truth::named_convention const* convention_of(truth::csv_row const& row) {
  auto const& name = row.at("strict_convention");
  if (name.ends_with("(LoRA)") && !of_group(row, {"NeMo-AutoModel"})) {
    return nullptr;  // over packs of lengths not published
  }
  auto const found = truth::named_conventions().find(name);
  return found == truth::named_conventions().end() ? nullptr : &found->second;
}

// Samples of one step: what the column states but where a heading contradicts it.
std::optional<double> batch(truth::csv_row const& row) {
  return row.at("note").find("heading says GBS=512") != std::string::npos ? 512 : truth::number(row.at("global_batch"));
}

// The share by which a rate is uncertain that was computed from a step's time of two decimals, which Megatron-Bridge's
// tables do: of 55 of their rates that lie more than 10 token/s from those of the next hundredths of a second, 45
// are, to the token, that of a hundredth. Zero for a rate that is not, and where packed sequences of lengths not
// published would hide behind it.
double share_of_hundredths(truth::csv_row const& row, double rate) {
  auto const samples = truth::number(row.at("global_batch"));
  if (!samples || !of_group(row, {"Megatron-Bridge"}) || row.at("note").find("packed data") != std::string::npos) return 0;
  auto const tokens = *samples * *truth::number(row.at("seq_len")) / *truth::number(row.at("n_devices"));
  auto const seconds = std::round(100 * tokens / rate) / 100;
  return std::round(tokens / seconds) == rate ? 0.005 / seconds : 0;
}

// Tokens of one device in a second, and the share by which they are uncertain: half of the last digit of
// what was printed, which is the step's time in some groups and whole samples of the job in others.
std::optional<std::pair<token_rate_t, double>> rate_of(truth::csv_row const& row) {
  auto const devices = truth::number(row.at("n_devices"));
  auto const length = truth::number(row.at("seq_len"));
  if (of_group(row, {"BLOOM-prequel", "Korthikanti2022-Table5", "MT-NLG", "Megatron-LM-README-GPT3"})) {
    auto const& time = row.at("step_time_s");
    auto const samples = batch(row);
    if (!devices || !samples || !length || !truth::number(time)) return std::nullopt;
    return std::pair{tokens_per_processor_second(*samples * *length * token, *truth::number(time) * second,
                                                 static_cast<std::int64_t>(*devices) * processor),
                     share_of(time)};
  }
  bool const of_job = row.at("tps_per_device").empty();
  auto const& text = row.at(of_job ? "tps_total" : "tps_per_device");
  if (!truth::number(text) || (of_job && !devices)) return std::nullopt;
  auto const rate = tokens_per_processor_second(*truth::number(text) * token, 1.0 * second,
                                                (of_job ? static_cast<std::int64_t>(*devices) : 1) * processor);
  if (row.at("note").find("quantised to whole samples/s") == std::string::npos) {
    return std::pair{rate, std::max(share_of(text), share_of_hundredths(row, rate.coherent()))};
  }
  return std::pair{rate, 0.5 * *length / *devices / rate.coherent()};
}

// The peak that a row states; torchtitan's logs do not, but its table has four, far apart.
std::optional<double> peak_tera(truth::csv_row const& row, double tera) {
  if (auto const stated = truth::number(row.at("peak_tflops"))) return stated;
  if (!of_group(row, {"torchtitan-commit-logs"})) return std::nullopt;
  auto const implied = tera / *truth::number(row.at("published")) * 100;
  constexpr std::array known{312.0, 989.0, 2250.0, 2500.0};
  return *std::ranges::min_element(known, {}, [&](double peak) { return std::abs(std::log(implied / peak)); });
}

// FLOP/s of one device that a row publishes beside its percentage.
std::optional<computed> from_noted_rate(truth::csv_row const& row) {
  if (!row.at("strict_convention").starts_with("tflops")) return std::nullopt;
  for (std::string_view const phrase : {"TFLOP/s/chip=", "TFLOP/s/GPU=", "TFLOPs/GPU="}) {
    auto const text = noted(row, phrase);
    if (!text.empty()) {
      return computed{*truth::number(text) / *truth::number(row.at("peak_tflops")) * 100, share_of(text)};
    }
  }
  return std::nullopt;
}

// Days for 300e9 tokens: at a noted hardware rate (Narayanan et al.), or at the 30 % MFU of nanoGPT's notebook.
std::optional<computed> days(truth::csv_row const& row) {
  auto const shape = shape_of(row);
  auto const* convention = convention_of(row);
  if (!shape || convention == nullptr) return std::nullopt;
  auto const work = convention->per_token(
      *shape, static_cast<std::int64_t>(*truth::number(row.at("seq_len"))) * token / sample);
  auto const text = noted(row, "with recompute)=");
  auto const rate = (text.empty() ? 0.3 * *truth::number(row.at("peak_tflops")) : *truth::number(text)) * tera_each /
                    work;
  auto const time = 300e9 * token / (*truth::number(row.at("n_devices")) * processor * rate);
  return computed{time.in(hour) / 24, text.empty() ? 0 : share_of(text)};
}

// The row's MFU or FLOP/s by its convention; empty where the row does not lead to it.
std::optional<computed> from_rate(truth::csv_row const& row) {
  auto const shape = shape_of(row);
  auto const* convention = convention_of(row);
  auto const length = truth::number(row.at("seq_len"));
  auto const rate = rate_of(row);
  if (!shape || convention == nullptr || !length || !rate) return std::nullopt;
  auto const s = static_cast<std::int64_t>(*length) * token / sample;
  auto const tera = (rate->first * convention->per_token(*shape, s)).in(tera_each);
  if (row.at("metric") == "tflops_per_device") return computed{tera, rate->second};
  auto const peak = peak_tera(row, tera);
  if (!peak || (row.at("metric") != "mfu_pct" && row.at("metric") != "hfu_pct")) return std::nullopt;
  return computed{convention->percent(*shape, s, rate->first, {.rate = *peak * tera_each, .source = "row"}),
                  rate->second};
}

std::optional<computed> value_of(truth::csv_row const& row) {
  auto const& metric = row.at("metric");
  auto const shape = named_shape(row);
  if (metric == "days_for_300B_tokens") return days(row);
  if (metric == "param_count") return computed{static_cast<double>(parameters(*shape).total), 0};
  if (metric == "train_flops_per_1024_tokens") {
    return computed{(flops::palm_no_embedding::per_token(*shape, 1024 * token / sample) * (1024 * token)).in(flop), 0};
  }
  if (auto const direct = from_noted_rate(row)) return direct;
  if (auto const hardware = noted(row, "HFU "); !hardware.empty() && of_group(row, {"GLM-130B-paper"})) {
    auto const all = truth::by<hardware_work<flops::megatron_model, recompute::all>>();
    auto const glm = *truth::shape_named("glm-130b");
    auto const share = flops::megatron_model::per_token(glm, 2048 * token / sample) /
                       all.per_token(glm, 2048 * token / sample);
    return computed{*truth::number(hardware) * share.in(one), share_of(hardware)};
  }
  if (of_group(row, {"PaLM-Table3"}) &&
      row.at("model") == "Gopher 280B") {  // the table's arithmetic: advertised size and attention
    auto const gopher = *truth::shape_named("gopher");
    auto const work = flops::flagperf_nominal::per_token({.nominal_parameters = advertised(row)},
                                                         2048 * token / sample) +
                      flops::palm::attention_per_token(gopher, 2048 * token / sample);
    auto const rate = rate_of(row);
    return computed{(rate->first * work / (*truth::number(row.at("peak_tflops")) * tera_each)).in(percent),
                    rate->second};
  }
  return from_rate(row);
}

// nanoGPT prints 0.9 · the last one + 0.1 · this step's; the rows that follow each other say both.
bool averaged(truth::csv_row const& row, truth::csv_row const& before, computed const& instant) {
  bool const noted_too = truth::within_rounding(instant.value, noted(row, "instantaneous MFU "), instant.share);
  auto const last = truth::number(before.at("published"));
  return noted_too && last && before.at("group") == row.at("group") &&
         std::abs(0.9 * *last + 0.1 * instant.value - *truth::number(row.at("published"))) <=
             0.005 + 0.9 * 0.005 + 1e-9;
}
}  // namespace

TEST_CASE("every row of papers.csv") {
  truth::exceptions known{"papers.csv"};
  truth::csv_row before{{"group", ""}, {"published", ""}};
  for (auto const& row : truth::read_csv("papers.csv")) {
    auto const value = value_of(row);
    CAPTURE(row.at("group"));
    CAPTURE(value.value_or(computed{-1, 0}).value);
    bool const average = row.at("strict_convention").ends_with("(EMA 0.9)");
    known.expect(row.at("line"),
                 value && truth::number(row.at("published")) &&
                     (average ? averaged(row, before, *value)
                              : truth::within_rounding(value->value, row.at("published"), value->share)));
    before = row;
  }
}
