// A measured peak is noisy, so only what must hold on any machine is asked of it.
#include "cpu_processor.hpp"
#include "gemm_peak.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace kunmetrics::units;

TEST_CASE("the measured rate is that of one of the products tried") {
  auto const peak = trainer::measured_gemm_peak(1);
  CHECK(peak.threads == 1);
  CHECK(std::ranges::count(trainer::peak_products, peak.size, &trainer::peak_product::n) == 1);
  CHECK(peak.flop_per_second > 1e8);   // a tenth of one addition a nanosecond
  CHECK(peak.flop_per_second < 1e14);  // no core does that
}

TEST_CASE("a rank's peak and memory are its share, and the source says how they came about") {
  trainer::cpu_processor const shared{{.flop_per_second = 160e9, .size = 1024, .threads = 2}, 8, std::int64_t{16} << 30};
  auto const device = shared.device();
  auto const peak = kunmetrics::peak(device, kunmetrics::fp32);
  REQUIRE(peak);
  CHECK(peak->rate == 20e9 * flop / (kunmetrics::units::processor * second));
  CHECK(peak->source ==
        "measured at the start of the run: oneDNN fp32 products of 1024 x 1024 x 1024 on 2 threads, 160.0 GFLOP/s, "
        "shared by 8 ranks");
  CHECK(device.memory == 2 * GiB / kunmetrics::units::processor);
  CHECK_FALSE(kunmetrics::peak(device, kunmetrics::fp16));  // not measured, so not known
}

TEST_CASE("a precision that is not multiplied here has the peak of what it is multiplied as") {
  trainer::cpu_processor const alone{{.flop_per_second = 100e9, .size = 512, .threads = 1}, 1, 0, kunmetrics::fp16};
  auto const device = alone.device();
  REQUIRE(kunmetrics::peak(device, kunmetrics::fp16));
  CHECK(kunmetrics::peak(device, kunmetrics::fp16)->source ==
        "measured at the start of the run: oneDNN fp32 products of 512 x 512 x 512, as which this CPU multiplies fp16, on "
        "1 thread, 100.0 GFLOP/s, shared by 1 rank");
  auto const peak = trainer::measured_gemm_peak(1, kunmetrics::bf16);
  CHECK(peak.multiplied == (trainer::has_native_bfloat16_product() ? kunmetrics::bf16 : kunmetrics::fp32));
  CHECK(peak.flop_per_second > 1e8);
}
