#include <kunmetrics/io/text.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <locale>
#include <sstream>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr auto per_processor_second = processor * second;
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

using palm_mfu = utilization<model_work<flops::palm>>;
constexpr peak_rate a800{fp16, 312e12 * flop / per_processor_second, "sheet"};

std::string peak_text(double flop_rate, precision at) {
  return formatted(peak_rate{at, flop_rate * flop / per_processor_second, "source"});
}

// A locale of the user's with a comma for the point and dots between thousands.
struct german : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};
struct global_locale {
  std::locale before;
  explicit global_locale(std::locale const& now) : before{std::locale::global(now)} {}
  ~global_locale() { std::locale::global(before); }
};
}  // namespace

TEST_CASE("fixed notation rounds to the decimals asked for") {
  CHECK(formatted(5.27314, 4) == "5.2731");
  CHECK(formatted(5.27316, 4) == "5.2732");
  CHECK(formatted(1234567.0, 0) == "1234567");
  CHECK(formatted(-0.5, 2) == "-0.50");
  CHECK(formatted(0.0, 3) == "0.000");
  CHECK(formatted(2.5, -3) == "2");  // no decimals at the least
  CHECK(formatted(0.1, 99) == formatted(0.1, 17));
  // The widest number and the most decimals fit the buffer.
  CHECK(formatted(-std::numeric_limits<double>::max(), 17).size() == 1 + 309 + 1 + 17);
}

TEST_CASE("what is not finite is a dash") {
  for (double value : {not_a_number, infinite, -infinite}) {
    CHECK(formatted(value, 2) == "-");
    CHECK(significant(value, 4) == "-");
  }
  CHECK(formatted(not_a_number * second, second, 3) == "-");
}

TEST_CASE("significant digits, with the whole part never rounded away") {
  CHECK(significant(52.637, 4) == "52.64");
  CHECK(significant(3563.996, 5) == "3564.0");
  CHECK(significant(123456.7, 4) == "123457");
  CHECK(significant(0.0123456, 3) == "0.0123");
  CHECK(significant(-7.25, 2) == "-7.2");  // to even, as IEEE rounds
  CHECK(significant(0.0, 4) == "0");
  CHECK(significant(100.0, 4) == "100.0");
}

TEST_CASE("rounding that carries into a new digit adds none") {
  CHECK(significant(9.9996, 4) == "10.00");
  CHECK(significant(99.996, 4) == "100.0");
  CHECK(significant(0.99996, 4) == "1.000");
  CHECK(significant(9.9994, 4) == "9.999");
}

TEST_CASE("the user's locale does not matter") {
  global_locale const foreign{std::locale{std::locale::classic(), new german}};
  std::ostringstream control;
  control << 1234.5;
  REQUIRE(control.str() == "1.234,5");  // the locale is really on
  CHECK(formatted(1234.5, 1) == "1234.5");
  CHECK(significant(1234.5, 5) == "1234.5");
  CHECK(formatted(49152 * token) == "49152 token");
  CHECK(gibibytes(2000 * GiB) == "2000.00 GiB");
}

TEST_CASE("quantities are written in the unit asked for, or with their coherent one") {
  auto const rate = 3564.0 * token / per_processor_second;
  CHECK(formatted(rate, token / per_processor_second, 1) == "3564.0");
  CHECK(formatted(rate, token / (processor * hour), 0) == "12830400");
  CHECK(formatted(rate, 1) == "3564.0 token/(processor s)");
  CHECK(formatted(1.25 * second, 3) == "1.250 s");
  CHECK(formatted(1.25 * second, millisecond, 0) == "1250");
  CHECK(formatted(96 * sample / step) == "96 sample/step");
  CHECK(formatted(9'007'199'254'740'993 * token) == "9007199254740993 token");  // no double has this
  CHECK(gibibytes(29 * GiB) == "29.00 GiB");
  CHECK(gibibytes(1.5e9 * byte) == "1.40 GiB");
  CHECK(percentage(0.52637 * one) == "52.64 %");
  CHECK(percentage(0.0001234 * one) == "0.01234 %");
  CHECK(percentage(1.52 * one) == "152.0 %");
}

TEST_CASE("a peak is written as its source writes it, from a CPU's core to a large card") {
  CHECK(peak_text(312e12, fp16) == "312 TFLOP/s fp16");
  CHECK(peak_text(494.5e12, tf32) == "494.5 TFLOP/s tf32");
  CHECK(peak_text(1979e12, fp8) == "1979 TFLOP/s fp8");
  CHECK(peak_text(1e12, fp32) == "1 TFLOP/s fp32");
  CHECK(peak_text(0.4567e12, fp32) == "456.7 GFLOP/s fp32");
  CHECK(peak_text(21.34e9, fp32) == "21.34 GFLOP/s fp32");
  CHECK(peak_text(21.3e9, bf16) == "21.3 GFLOP/s bf16");
  CHECK(peak_text(0.02e12, fp32) == "20 GFLOP/s fp32");
  CHECK(peak_text(200e9, fp32) == "200 GFLOP/s fp32");  // zeros before the point stay
  CHECK(peak_text(8.5e6, fp64) == "8.5 MFLOP/s fp64");
  CHECK(peak_text(12, fp64) == "12 FLOP/s fp64");
  CHECK(peak_text(not_a_number, fp32) == "- FLOP/s fp32");
}

TEST_CASE("FLOP of one token") {
  CHECK(flop_text(46'084'915'200.0, 8) == "46.084915 GFLOP");
  CHECK(flop_text(42e9, 8) == "42 GFLOP");
  CHECK(flop_text(1'234'567.0, 8) == "1.234567 MFLOP");
}

TEST_CASE("a utilization's name says its convention, and its recomputation") {
  CHECK(utilization_name<model_work<flops::palm>>() == "MFU(palm)");
  CHECK(utilization_name<model_work<flops::flagperf_nominal>>() == "MFU(flagperf_nominal)");
  CHECK(utilization_name<hardware_work<flops::causal, recompute::layers>>() == "HFU(causal, layers)");
  CHECK(utilization_name<hardware_work<flops::palm, recompute::none>>() == "HFU(palm, none)");
}

TEST_CASE("the live line") {
  step_record record{.step = 12 * step, .time = 1.14927 * second, .tokens = 32768 * token, .loss = 5.27314};
  maybe<token_rate_t> const rate = 3563.996 * token / per_processor_second;
  maybe<palm_mfu> const use = palm_mfu{.ratio = 0.526427 * one, .flop_per_token = {}, .peak = a800};

  CHECK(live_line(record, 200 * step, rate, use) ==
        "step 12/200  loss 5.2731  3564.0 token/(processor s)  MFU(palm) 52.64 % of 312 TFLOP/s fp16  1.149 s/step");

  SUBCASE("says when the step was skipped") {
    record.loss.reset();
    record.skipped = true;
    CHECK(live_line(record, 200 * step, rate, use) ==
          "step 12/200  loss -  3564.0 token/(processor s)  MFU(palm) 52.64 % of 312 TFLOP/s fp16  1.149 s/step  skipped");
  }
  SUBCASE("has a dash for what is absent") {
    maybe<token_rate_t> const no_rate = absent{"no step has been measured after warm-up"};
    maybe<palm_mfu> const no_peak = absent{"no peak is known for this device at this precision"};
    CHECK(live_line(record, 200 * step, rate, no_peak) ==
          "step 12/200  loss 5.2731  3564.0 token/(processor s)  MFU(palm) -  1.149 s/step");
    CHECK(live_line(record, 200 * step, no_rate, no_peak) ==
          "step 12/200  loss 5.2731  - token/(processor s)  MFU(palm) -  1.149 s/step");
  }
  SUBCASE("has a dash for a loss that is not a number") {
    record.loss = not_a_number;
    CHECK(live_line(record, 200 * step, rate, use).starts_with("step 12/200  loss -  3564.0 "));
  }
  SUBCASE("reads well for a slow rank of a CPU") {
    palm_mfu const slow{.ratio = 0.4321 * one, .flop_per_token = {}, .peak = {fp32, 21.3e9 * flop / per_processor_second, ""}};
    CHECK(live_line(record, 200 * step, maybe<token_rate_t>{0.21234 * token / per_processor_second}, maybe<palm_mfu>{slow}) ==
          "step 12/200  loss 5.2731  0.21234 token/(processor s)  MFU(palm) 43.21 % of 21.3 GFLOP/s fp32  1.149 s/step");
  }
}
