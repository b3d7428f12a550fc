#include <kunmetrics/io/terminal_line.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
using palm = model_work<flops::palm>;
constexpr auto per_processor_second = processor * second;
constexpr peak_rate a800{fp16, 312e12 * flop / per_processor_second, "NVIDIA data sheet"};

terminal_values<palm> values() {
  return {.total = 200 * step,
          .rate = 3563.996 * token / per_processor_second,
          .half_width = 12.123 * token / per_processor_second,
          .use = utilization<palm>{.ratio = 0.526427 * one, .flop_per_token = {}, .peak = a800},
          .memory = 29.0 * GiB,
          .mean_step = 1.149 * second};
}
step_record const record{.step = 12 * step, .time = 1.149 * second, .loss = 5.27314};
}  // namespace

TEST_CASE("everything, with a bar, where there is room") {
  CHECK(
      terminal_line(record, values(), 150) ==
      "step 12/200  loss 5.2731  3564.0 \u00b1 12.1 tokens/p/s  MFU(palm) 52.64 % of 312 TFLOP/s fp16  29.00 GiB  ETA 0:03:36  [#................................]");
}

TEST_CASE("never wider than the terminal; the least wanted goes first") {
  std::size_t last = 1000;
  for (std::size_t columns = 200; columns >= 12; --columns) {
    auto const width = display_width(terminal_line(record, values(), columns));
    CHECK(width <= columns);
    CHECK(width <= last);
    last = width;
  }
  CHECK(terminal_line(record, values(), 104) ==
        "step 12/200  loss 5.2731  3564.0 \u00b1 12.1 tokens/p/s  MFU(palm) 52.64 % of 312 TFLOP/s fp16  ETA 0:03:36");
  CHECK(terminal_line(record, values(), 95)
            .starts_with(
                "step 12/200  loss 5.2731  3564.0 \u00b1 12.1 tokens/p/s  MFU(palm) 52.64 % of 312 TFLOP/s fp16"));
  CHECK(terminal_line(record, values(), 60) == "step 12/200  loss 5.2731  3564.0 \u00b1 12.1 tokens/p/s  [......]");
  CHECK(terminal_line(record, values(), 12) == "step 12/200");
  CHECK(terminal_line(record, values(), 1) == "step 12/200");  // something is always said
}

TEST_CASE("what is not known is a dash, or not there") {
  auto none = values();
  none.rate = absent{"no step has been measured after warm-up"};
  none.use = absent{"no peak"};
  none.memory.reset();
  none.mean_step.reset();
  auto skipped = record;
  skipped.skipped = true;
  CHECK(terminal_line(skipped, none, 70).starts_with("step 12/200  skipped  - tokens/p/s  MFU(palm) -  ETA -  ["));
}

TEST_CASE("times and bars") {
  CHECK(clock_text(0) == "0:00:00");
  CHECK(clock_text(59.6) == "0:01:00");
  CHECK(clock_text(93'600) == "26:00:00");
  CHECK(clock_text(-1) == "-");
  CHECK(clock_text(std::numeric_limits<double>::quiet_NaN()) == "-");
  CHECK(progress_bar(0.5, 10) == "[####....]");
  CHECK(progress_bar(2, 10) == "[########]");
  CHECK(progress_bar(std::numeric_limits<double>::quiet_NaN(), 6) == "[....]");
  CHECK(progress_bar(0.5, 5).empty());
}
