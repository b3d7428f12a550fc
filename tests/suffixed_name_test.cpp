#include <kunmetrics/flops.hpp>
#include <kunmetrics/suffixed_name.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;

static_assert(detail::suffixed<flops::causal, "_mtp">::name == "causal_mtp");
static_assert(detail::suffixed<flops::palm, "">::name == "palm");
}  // namespace

TEST_CASE("suffixes add up") {
  CHECK(detail::suffixed<detail::suffixed<flops::causal, "_mtp">, "_lora">::name == "causal_mtp_lora");
}
