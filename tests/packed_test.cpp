#include <kunmetrics/models.hpp>
#include <kunmetrics/packed.hpp>
#include <kunmetrics/flops.hpp>

#include <doctest/doctest.h>

#include <array>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr auto tokens(std::int64_t length) { return length * token / sample; }
constexpr std::array pack{tokens(1024), tokens(3072)};

// Sum L^2 / sum L = (1024^2 + 3072^2) / 4096 = 2560, where the pack as one sequence would be 4096.
static_assert(mean_context(pack).in(token / sample) == 2560);
static_assert(packed_per_token<flops::causal>(models::llama2_7b, pack) ==
              flops::causal::per_token(models::llama2_7b, tokens(2560)));
static_assert(packed_per_token<flops::causal>(models::llama2_7b, pack) <
              flops::causal::per_token(models::llama2_7b, tokens(4096)));
static_assert(packed_per_token<flops::six_n>(models::llama2_7b, pack) ==
              flops::six_n::per_token(models::llama2_7b, tokens(1)));
constexpr std::array alone{tokens(4096)};
static_assert(packed_per_token<flops::palm>(models::llama2_7b, alone) ==
              flops::palm::per_token(models::llama2_7b, tokens(4096)));
}  // namespace

TEST_CASE("a window is cut by each sequence's own length") {
  auto windowed = models::mistral_7b;
  windowed.windowed.window = 2048;
  auto const attention = [&](std::int64_t length) {
    return flops::causal_exact::attention_per_token(windowed, tokens(length)).coherent();
  };
  auto const weights = flops::six_n_matmul::per_token(windowed, tokens(1)).coherent();
  CHECK(packed_per_token<flops::causal_exact>(windowed, pack).coherent() ==
        doctest::Approx(weights + (1024 * attention(1024) + 3072 * attention(3072)) / 4096));
}

TEST_CASE("no sequence, and one without tokens") {
  std::array const hollow{tokens(16), tokens(0)};
  CHECK_THROWS_WITH_AS(packed_per_token<flops::causal>(models::llama2_7b, {}),
                       "packed_per_token: needed at least 1 sequence, received none", precondition_error);
  CHECK_THROWS_WITH_AS(mean_context(hollow), "mean_context: needed sequences of at least 1 token, received 0",
                       precondition_error);
}
