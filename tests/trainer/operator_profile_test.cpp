// A profile counts what every thread did, by operator and pass; a step's own times agree with its work.
#include "operator_profile.hpp"

#include "cpu_backend.hpp"
#include "profile_report.hpp"
#include "thread_communicator.hpp"
#include "zero3.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <vector>

using namespace trainer;

TEST_CASE("laps go to the operator and the pass, and are summed over threads") {
  operator_profile profile(2);
  profile.enter(operator_pass::recompute);
  for (std::size_t const thread : {0U, 1U}) {
    operator_laps lap(&profile, thread);
    lap(operator_kind::norm, {0, 100});
    lap(operator_kind::qkv, {7, 0});
    lap(operator_kind::qkv, operator_pass::weight_gradient, {5, 1});
  }
  CHECK(profile.cost(operator_kind::norm, operator_pass::recompute).calls == 2);
  CHECK(profile.cost(operator_kind::norm, operator_pass::recompute).work.bytes == 200);
  CHECK(profile.cost(operator_kind::qkv, operator_pass::recompute).work.flop == 14);
  CHECK(profile.cost(operator_kind::qkv, operator_pass::weight_gradient).work.flop == 10);
  CHECK(profile.cost(operator_kind::qkv, operator_pass::forward).calls == 0);
  profile.clear();
  CHECK(profile.cost(operator_kind::norm, operator_pass::recompute).calls == 0);
}

TEST_CASE("without a profile nothing is counted, and nothing breaks") {
  operator_laps lap(nullptr, 3);
  lap(operator_kind::norm, {1, 1});
  operator_laps::of_all(nullptr)(operator_kind::adamw);
}

TEST_CASE_TEMPLATE("a step's products are those of the model, whatever the number of threads", Number, float, bfloat16, float16) {
  constexpr llama_shape shape{.layers = 3, .hidden = 24, .heads = 4, .kv_heads = 2, .head_size = 6, .ffn = 40, .vocabulary = 1300};
  constexpr std::int64_t samples = 2, positions = 70, rows = samples * positions;
  for (int const threads : {1, 2}) {
    operator_profile profile(threads);
    thread_group group{1};
    thread_communicator alone{group, 0};
    zero3_settings settings{.samples = samples, .sequence_length = positions};
    settings.compute = {.threads = threads, .profile = &profile};
    zero3<cpu_backend<Number>, thread_communicator> engine{shape, settings, alone};
    std::vector<std::int32_t> tokens(rows);
    for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<std::int32_t>(i * 31 % 1300);
    engine.step(tokens, 1e-3, false);

    auto const flop = [&](operator_kind kind, operator_pass pass) { return profile.cost(kind, pass).work.flop; };
    for (auto const& [kind, out, in] : {std::tuple{operator_kind::qkv, 48, 24}, {operator_kind::wo, 24, 24},
                                        {operator_kind::gate_up, 80, 24}, {operator_kind::down, 24, 40}}) {
      for (auto const pass : {operator_pass::forward, operator_pass::recompute, operator_pass::backward, operator_pass::weight_gradient}) {
        CHECK(flop(kind, pass) == 2.0 * rows * out * in * 3);
      }
    }
    auto const predictions = samples * (positions - 1);
    for (auto const pass : {operator_pass::forward, operator_pass::backward, operator_pass::weight_gradient}) {
      CHECK(flop(operator_kind::lm_head, pass) == 2.0 * static_cast<double>(predictions) * 24 * 1300);
    }
    CHECK(flop(operator_kind::lm_head, operator_pass::recompute) == 0);
    // two products of the scores a row sees in forward, five in backward: 3 layers, 2 samples, 4 heads
    CHECK(flop(operator_kind::attention, operator_pass::forward) == 3 * 2 * 4 * 2.0 * 6 * positions * (positions + 1));
    CHECK(flop(operator_kind::attention, operator_pass::backward) == 3 * 2 * 4 * 5.0 * 6 * positions * (positions + 1));
    for (auto const kind : {operator_kind::adamw, operator_kind::square_sum}) {
      CHECK(profile.cost(kind, operator_pass::update).work.bytes > 0);
    }
    for (auto const pass : {operator_pass::forward, operator_pass::backward}) CHECK(profile.cost(operator_kind::norm, pass).seconds > 0);
  }
}

TEST_CASE("rows are per step and thread, the longest first, with the share of what the machine allows") {
  operator_profile profile(2);
  profile.add(0, operator_kind::qkv, operator_pass::forward, {.seconds = 3, .calls = 1, .work = {4e9, 1e9}});
  profile.add(1, operator_kind::qkv, operator_pass::forward, {.seconds = 1, .calls = 1, .work = {4e9, 1e9}});
  profile.add(0, operator_kind::adamw, operator_pass::update, {.seconds = 8, .calls = 2, .work = {0, 8e9}});
  machine_limits const limits{.flop_per_second = 16e9, .bytes_per_second = 2e9};
  auto const rows = profile_rows(profile, 2, 4.0, limits);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].kind == operator_kind::adamw);
  CHECK(rows[0].seconds == 2);        // 8 over 2 steps and 2 threads
  CHECK(rows[0].share == 0.5);
  CHECK(*rows[0].of_roofline == 1);   // 4e9 bytes a step at 2e9 a second
  CHECK(rows[1].seconds == 1);
  CHECK(rows[1].flop == 4e9);
  CHECK(*rows[1].of_roofline == 0.5);  // 1e9 bytes a step take 0.5 s, its products 0.25
  auto const table = profile_table(rows, 2, limits);
  CHECK(table.find("adamw         update              2000   50.0 %         -      4000         -     2.000     100 %") != std::string::npos);
  CHECK(table.find("waiting, rest") != std::string::npos);
  auto const json = json_of(rows, 2, limits);
  CHECK(json["operators"][0]["operator"] == "adamw");
  CHECK(json["operators"][1]["of_roofline"] == 0.5);
}

TEST_CASE("the bandwidth of this machine is a number") {
  CHECK(measured_bandwidth(1) > 1e8);
}
