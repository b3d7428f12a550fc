// Every transition of the loss scale, as a table of steps.
#include "loss_scaler.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

using namespace trainer;
using enum scale_change;

namespace {

struct step {
  bool overflow;
  scale_change change;
  loss_scale_state after;
};
constexpr bool clean = false, overflow = true;

struct table {
  std::string name;
  loss_scale_settings settings;
  std::vector<step> steps;
};

std::vector<table> const tables{
    {"patience of two overflows, then halving at each further one, though clean steps lie between",
     {.initial = 64, .window = 100, .hysteresis = 2},
     {{overflow, tolerated, {64, 1, 0}},
      {overflow, lowered, {32, 1, 0}},
      {clean, none, {32, 1, 1}},
      {overflow, lowered, {16, 1, 0}},
      {overflow, lowered, {8, 1, 0}}}},
    {"a patience of one halves at once",
     {.initial = 64, .window = 100, .hysteresis = 1},
     {{overflow, lowered, {32, 1, 0}}, {clean, none, {32, 1, 1}}, {overflow, lowered, {16, 1, 0}}}},
    {"the window-th clean step in a row doubles and refills patience",
     {.initial = 64, .window = 3, .hysteresis = 2},
     {{overflow, tolerated, {64, 1, 0}},
      {clean, none, {64, 1, 1}},
      {clean, none, {64, 1, 2}},
      {clean, raised, {128, 2, 3}},
      {clean, none, {128, 2, 4}},
      {clean, none, {128, 2, 5}},
      {clean, raised, {256, 2, 6}}}},
    {"an overflow starts the window again",
     {.initial = 64, .window = 2, .hysteresis = 2},
     {{clean, none, {64, 2, 1}},
      {overflow, tolerated, {64, 1, 0}},
      {clean, none, {64, 1, 1}},
      {clean, raised, {128, 2, 2}}}},
    {"a window of one doubles at every clean step",
     {.initial = 4, .window = 1, .hysteresis = 1},
     {{clean, raised, {8, 1, 1}},
      {clean, raised, {16, 1, 2}},
      {overflow, lowered, {8, 1, 0}},
      {clean, raised, {16, 1, 1}}}},
    {"consecutive hysteresis: any clean step refills patience, the window only doubles",
     {.initial = 64, .window = 3, .hysteresis = 3, .consecutive_hysteresis = true},
     {{overflow, tolerated, {64, 2, 0}},
      {overflow, tolerated, {64, 1, 0}},
      {clean, none, {64, 3, 1}},
      {overflow, tolerated, {64, 2, 0}},
      {overflow, tolerated, {64, 1, 0}},
      {overflow, lowered, {32, 1, 0}},
      {overflow, lowered, {16, 1, 0}},
      {clean, none, {16, 3, 1}},
      {clean, none, {16, 3, 2}},
      {clean, raised, {32, 3, 3}}}},
    {"at the minimum an overflow exhausts the scale, but patience is spent first",
     {.initial = 2, .window = 2, .hysteresis = 2, .minimum = 1},
     {{overflow, tolerated, {2, 1, 0}},
      {overflow, lowered, {1, 1, 0}},
      {clean, none, {1, 1, 1}},
      {clean, raised, {2, 2, 2}},
      {overflow, tolerated, {2, 1, 0}},
      {overflow, lowered, {1, 1, 0}},
      {overflow, exhausted, {1, 1, 0}},
      {overflow, exhausted, {1, 1, 0}}}},
    {"patience at the minimum",
     {.initial = 1, .window = 2, .hysteresis = 2, .minimum = 1},
     {{overflow, tolerated, {1, 1, 0}}, {overflow, exhausted, {1, 1, 0}}}},
    {"a minimum that is no power of two below the scale is the last stop",
     {.initial = 64, .window = 9, .hysteresis = 1, .minimum = 24},
     {{overflow, lowered, {32, 1, 0}}, {overflow, lowered, {24, 1, 0}}, {overflow, exhausted, {24, 1, 0}}}},
    {"a start below the minimum is exhausted at once",
     {.initial = 2, .window = 9, .hysteresis = 1, .minimum = 4},
     {{overflow, exhausted, {2, 1, 0}}}},
    {"the scale stops at 2^24, and patience is refilled still",
     {.initial = 0x1p23, .window = 1, .hysteresis = 2},
     {{overflow, tolerated, {0x1p23, 1, 0}},
      {clean, raised, {0x1p24, 2, 1}},
      {overflow, tolerated, {0x1p24, 1, 0}},
      {clean, none, {0x1p24, 2, 1}}}},
    {"a start between the powers of two ends at 2^24 too",
     {.initial = 0x1.8p23, .window = 1, .hysteresis = 1},
     {{clean, raised, {0x1p24, 1, 1}}, {clean, none, {0x1p24, 1, 2}}}},
    {"a static scale never moves",
     {.dynamic = false, .initial = 128, .window = 1, .hysteresis = 1},
     {{clean, none, {128, 1, 0}},
      {overflow, none, {128, 1, 0}},
      {overflow, none, {128, 1, 0}},
      {clean, none, {128, 1, 0}}}},
};

}  // namespace

TEST_CASE("every transition") {
  for (auto const& each : tables) {
    CAPTURE(each.name);
    loss_scaler scaler{each.settings};
    CHECK(scaler.scale() == each.settings.initial);
    for (std::size_t i = 0; i < each.steps.size(); ++i) {
      CAPTURE(i);
      auto const& step = each.steps[i];
      CHECK(static_cast<int>(scaler.after(step.overflow)) == static_cast<int>(step.change));
      CHECK(scaler.state().scale == step.after.scale);
      CHECK(scaler.state().patience == step.after.patience);
      CHECK(scaler.state().clean_steps == step.after.clean_steps);
    }
  }
}

TEST_CASE("a scaler taken up again goes on as if it had never stopped") {
  for (auto const& each : tables) {
    CAPTURE(each.name);
    loss_scaler whole{each.settings};
    for (auto const& step : each.steps) {
      loss_scaler resumed{each.settings};
      resumed.restore(whole.state());
      CHECK(resumed.after(step.overflow) == whole.after(step.overflow));
      CHECK(resumed.state() == whole.state());
    }
  }
}

TEST_CASE("the defaults are DeepSpeed's documented ones") {
  loss_scale_settings const settings;
  CHECK((settings.dynamic && settings.initial == 65536 && settings.window == 1000 && settings.hysteresis == 2 &&
         !settings.consecutive_hysteresis && settings.minimum == 1));
}

TEST_CASE("settings that cannot be used are refused with their value") {
  auto const refused = [](auto change) {
    loss_scale_settings settings;
    change(settings);
    CHECK_THROWS_AS(loss_scaler{settings}, std::invalid_argument);
  };
  refused([](auto& s) { s.initial = 0; });
  refused([](auto& s) { s.initial = std::numeric_limits<double>::infinity(); });
  refused([](auto& s) { s.minimum = -1; });
  refused([](auto& s) { s.minimum = std::numeric_limits<double>::quiet_NaN(); });
  refused([](auto& s) { s.hysteresis = 0; });
  CHECK_THROWS_WITH_AS(loss_scaler{loss_scale_settings{.window = 0}},
                       "loss_scaler: window of at least 1 needed, received 0", std::invalid_argument);
}

TEST_CASE("a static scale is that of the settings, whatever a checkpoint has") {
  loss_scaler scaler{{.dynamic = false, .initial = 128}};
  scaler.restore({.scale = 65536, .patience = 2, .clean_steps = 7});
  CHECK(scaler.scale() == 128);
}
