// An ordinary libtorch training loop that gains a meter, MFU of formula and of counted work, and a line of report.
#include <kunmetrics.hpp>
#include <kunmetrics/torch.hpp>
#include <torch/torch.h>

#include <cstdio>
#include <cstdlib>

namespace km = kunmetrics;
using namespace km::units;

// The peak of this machine is not known to any table: give your own in GFLOP/s, as ./torch_loop 95.
int main(int argc, char** argv) {
  auto const peak = (argc > 1 ? std::atof(argv[1]) : 0.0) * gigaflop / (processor * second);
  torch::manual_seed(1);
  constexpr std::int64_t vocabulary = 512, hidden = 128, length = 64, batch = 8;
  torch::nn::Sequential model{torch::nn::Embedding{vocabulary, hidden}, torch::nn::Linear{hidden, 4 * hidden},
                              torch::nn::GELU{}, torch::nn::Linear{4 * hidden, vocabulary}};
  torch::optim::AdamW optimizer{model->parameters(), torch::optim::AdamWOptions{1e-2}};

  km::training_case const run{
      .model = {.name = "bigram"}, .precision = km::fp32, .cluster = {.per_node = 1 * processor / node},
      .micro_batch_size = batch * sample / (replica * micro_step), .sequence_length = length * token / sample};
  km::meter meter{run, km::tokens_per_processor_second};
  km::flop_counter counter;

  for (int i = 0; i < 30; ++i) {
    auto const tokens = torch::randint(4, {batch, length + 1}).cumsum(1).remainder(vocabulary);
    auto step = meter.start();
    step.turn_to(km::phase::forward);
    auto const logits = model->forward(tokens.narrow(1, 0, length));
    auto const loss = torch::nn::functional::cross_entropy(logits.flatten(0, 1), tokens.narrow(1, 1, length).flatten());
    step.turn_to(km::phase::backward);
    optimizer.zero_grad();
    loss.backward();
    step.turn_to(km::phase::optimizer);
    optimizer.step();
    step.finish({.tokens = batch * length * token, .loss = loss.item<double>()});
  }

  auto const counts = km::parameters_of(*model);
  auto const rate = meter(km::tokens_per_processor_second);
  auto const trained = 30 * batch * length * token;
  std::printf("%lld parameters, loss %.2f, %.0f tokens/p/s\n", static_cast<long long>(counts.total),
              *meter.records().back().loss, rate->in(token / (processor * second)));
  std::printf("%.3f MFLOP a token, %s\n", 1e-6 * km::flop_per_token(counter.counted().model(), trained).in(flop / token),
              counter.uncounted().empty() ? "all of it counted" : "some products not counted");
  if (peak.coherent() > 0) {
    auto const use = km::counted_mfu(counter.counted(), trained, *rate, {.rate = peak, .source = "the command line"});
    std::printf("%.1f %% MFU of counted work, peak: %s\n", use.ratio.in(percent), use.peak.source.data());
  }
}
