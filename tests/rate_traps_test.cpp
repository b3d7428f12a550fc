// Factors of the traps that put a rate above the peak, and which of them is the likeliest.
#include <kunmetrics/devices.hpp>
#include <kunmetrics/rate_traps.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr cluster two_nodes{.nodes = 2 * node, .per_node = 8 * processor / node};
constexpr auto a800 = *peak(devices::nvidia_a800_80gb, fp16);
constexpr auto h100 = *peak(devices::nvidia_h100_sxm, bf16);

constexpr std::string_view likeliest(double ratio, peak_rate const& of, device const& d, cluster const& size) {
  auto const trap = likely_rate_trap(ratio, of, d, size);
  return trap ? trap->name : std::string_view{};
}

static_assert(likeliest(4 * 0.48, a800, devices::nvidia_a800_80gb, two_nodes) == "nodes squared");
static_assert(likeliest(16 * 0.48, a800, devices::nvidia_a800_80gb, two_nodes) == "whole job's rate");
static_assert(likeliest(1.2, h100, devices::nvidia_h100_sxm, {.per_node = 1 * processor / node}) ==
              "work of another precision");
static_assert(likeliest(1.1, *peak(devices::amd_mi250x_gcd, bf16), devices::amd_mi250x_gcd, {}) == "card for die");
// One node squared is one, and fp8 is the fastest of an H100: nothing is left to suspect.
static_assert(likeliest(1.2, *peak(devices::nvidia_h100_sxm, fp8), devices::nvidia_h100_sxm,
                        {.per_node = 1 * processor / node})
                  .empty());
}  // namespace

TEST_CASE("a trap explains a ratio when without it the ratio is possible") {
  CHECK(explains({.name = "twice", .factor = 2.0}, 1.5));
  CHECK(explains({.name = "twice", .factor = 2.0}, 2.0));
  CHECK(!explains({.name = "twice", .factor = 2.0}, 2.1));
  CHECK(!explains({.name = "none"}, 1.0));
}

TEST_CASE("every trap gives a refusal whose explanation stands alone") {
  for (auto const& trap : rate_traps(h100, devices::nvidia_h100_sxm, two_nodes)) {
    CHECK(trap.refusal.starts_with("above 100 % of the peak; likely "));
    CHECK(trap.refusal.ends_with(trap.explanation()));
    CHECK(trap.explanation().find("likely") == std::string_view::npos);
  }
}

TEST_CASE("the likeliest leads nearest to what trainings reach") {
  // 7.7 over 16 processors is 48 %, over four 192 % and no explanation
  CHECK(likeliest(7.7, a800, devices::nvidia_a800_80gb, two_nodes) == "whole job's rate");
  // both explain 1.9: a quarter of it is 48 %, a sixteenth 12 %
  CHECK(likeliest(1.9, a800, devices::nvidia_a800_80gb, two_nodes) == "nodes squared");
  rate_trap const of_the_work{.name = "work", .factor = 1.9 / 0.45};
  CHECK(likely_rate_trap(1.9, a800, devices::nvidia_a800_80gb, two_nodes, of_the_work)->name == "work");
}
