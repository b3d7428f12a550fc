// A training loop of your own gains a meter: three calculators, phases, and a summary at the end.
// What is trained here is small and real: bigram logits of a text, by gradient descent.
#include <kunmetrics.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <vector>

namespace km = kunmetrics;
using namespace km::units;

constexpr std::string_view text =
    "in the beginning was the meter and the meter was with the trainer and the number carried its unit ";
constexpr std::size_t letters = 27;  // a to z, and all else
constexpr std::size_t letter(char c) { return c >= 'a' && c <= 'z' ? static_cast<std::size_t>(c - 'a') : 26; }

// Softmax of one row of logits; gives the probabilities.
std::array<double, letters> softmax(double const* logits) {
  std::array<double, letters> p{};
  double sum = 0;
  for (std::size_t j = 0; j < letters; ++j) sum += p[j] = std::exp(logits[j]);
  for (double& each : p) each /= sum;
  return p;
}

int main() {
  constexpr km::training_case run{
      .model = {.name = "bigram", .layers = 1, .hidden = 27, .heads = 1, .kv_heads = 1, .head_size = 27, .ffn = 27, .vocabulary = 27},
      .precision = km::fp32,
      .cluster = {.per_node = 1 * processor / node},
      .micro_batch_size = 1 * sample / (replica * micro_step),
      .sequence_length = std::int64_t{text.size()} * token / sample};
  km::meter meter{run, km::tokens_per_processor_second, km::mfu<km::flops::palm>};

  std::vector<double> logits(letters * letters);
  for (int i = 0; i < 200; ++i) {
    auto step_now = meter.start();
    double loss = 0;
    for (std::size_t t = 0; t + 1 < text.size(); ++t) {
      double* const row = logits.data() + letter(text[t]) * letters;
      auto forward = step_now.enter(km::phase::forward);
      auto p = softmax(row);
      loss -= std::log(p[letter(text[t + 1])]) / static_cast<double>(text.size() - 1);
      auto backward = step_now.enter(km::phase::backward);
      p[letter(text[t + 1])] -= 1;
      for (std::size_t j = 0; j < letters; ++j) row[j] -= 0.1 * p[j];
    }
    step_now.finish({.tokens = std::int64_t{text.size()} * token, .loss = loss});
    if (i % 100 == 99) {  // between steps: in goodput's bucket, in no step's time
      auto const pause = meter.pause(km::phase::evaluation);
      softmax(logits.data());
    }
  }

  auto const whole = summary_of(meter);
  auto const rate = meter(km::tokens_per_processor_second);
  auto const mfu = meter(km::mfu<km::flops::palm>);
  std::printf("loss %.3f, %.0f token/(processor s) over %lld steps, no MFU: %s\n", *whole.loss, rate->coherent(),
              static_cast<long long>(whole.steps.coherent()), mfu.reason().data());
  std::printf("95 %% interval +- %.0f token/(processor s); step time p50 %.1f us, p99 %.1f us; goodput %.1f %%\n",
              whole.rate->half_width.coherent(), whole.step_time->p50.in(microsecond),
              whole.step_time->p99.in(microsecond), whole.goodput_ratio->in(percent));
}
