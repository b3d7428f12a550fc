// The bfloat16 kernel at every size of a tile against sums in double, with factors as pair_packing.hpp lays them out.
#include "central_difference.hpp"
#include "operators/pair_packing.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {
std::vector<bfloat16> values(std::int64_t count, std::uint64_t seed) {
  std::vector<bfloat16> rounded;
  for (double const each : normal_values(count, seed)) rounded.push_back(narrowed<bfloat16>(static_cast<float>(each)));
  return rounded;
}

/// Pairs that start on a cache line, with a pattern that is NaN where nothing is written.
struct room {
  std::vector<bfloat16_pair> all;
  std::span<bfloat16_pair> pairs;

  explicit room(std::int64_t count) : all(static_cast<std::size_t>(count) + 16, bfloat16_pair{0x7fc07fc0U}) {
    auto const at = reinterpret_cast<std::uintptr_t>(all.data());
    pairs = std::span{all}.subspan((64 - at % 64) % 64 / sizeof(bfloat16_pair), static_cast<std::size_t>(count));
  }
};

constexpr auto unwritten = std::numeric_limits<float>::quiet_NaN();
bool runs() {
  if (!has_pair_kernel()) MESSAGE("not run: this processor does not multiply bfloat16");
  return has_pair_kernel();
}
}  // namespace

TEST_CASE("panels hold columns, or rows, in pairs along k, and zeros to the end") {
  auto const m = values(3 * 17, 1);
  room across(panel_pairs(3, 17)), along(panel_pairs(17, 3));
  auto const columns = panels_of_rows({m.data(), 3, 17, 17}, across.pairs);    // k = 3, n = 17
  auto const rows = panels_of_columns({m.data(), 3, 17, 17}, along.pairs);     // k = 17, n = 3
  auto const at = [&](std::int64_t i, std::int64_t j) { return i < 3 && j < 17 ? m[static_cast<std::size_t>(i * 17 + j)] : bfloat16{}; };
  for (std::int64_t step = 0; step < 2; ++step) {
    for (std::int64_t j = 0; j < 32; ++j) {
      CHECK(columns.from(j / 16, step).data[j % 16].bits == bfloat16_pair::of(at(2 * step, j), at(2 * step + 1, j)).bits);
    }
  }
  for (std::int64_t step = 0; step < 9; ++step) {
    for (std::int64_t i = 0; i < 16; ++i) {
      CHECK(rows.from(0, step).data[i].bits == bfloat16_pair::of(at(i, 2 * step), at(i, 2 * step + 1)).bits);
    }
  }
}

TEST_CASE("panels of rows that are turned in squares are those that are turned one by one") {
  if (!runs()) return;
  constexpr std::int64_t rows = 35, columns = 71, stride = 75;
  auto const m = values(rows * stride, 1);
  room packed(panel_pairs(columns, rows));
  auto const panels = panels_of_columns({m.data(), rows, columns, stride}, packed.pairs);
  auto const at = [&](std::int64_t i, std::int64_t j) { return i < rows && j < columns ? m[static_cast<std::size_t>(i * stride + j)] : bfloat16{}; };
  for (std::int64_t row = 0; row < 48; ++row) {
    for (std::int64_t step = 0; step < 36; ++step) {
      CHECK(panels.from(row / 16, step).data[row % 16].bits == bfloat16_pair::of(at(row, 2 * step), at(row, 2 * step + 1)).bits);
    }
  }
}

TEST_CASE("a product of any number of rows and panels is the sum over k, written or added, times alpha") {
  if (!runs()) return;
  for (std::int64_t const k : {2, 7, 64}) {
    for (std::int64_t const n : {1, 16, 33, 64, 100}) {
      for (std::int64_t m = 1; m <= 13; ++m) {
        CAPTURE(k);
        CAPTURE(n);
        CAPTURE(m);
        auto const even = 2 * steps_of(k), width = whole_panels(n);
        auto left = values(m * even, 1);
        for (std::int64_t i = 0; i < m && even > k; ++i) left[static_cast<std::size_t>(i * even + k)] = {};
        auto const right = values(k * n, 2);
        room packed(panel_pairs(k, n));
        auto const panels = panels_of_rows({right.data(), k, n, n}, packed.pairs);
        for (auto const onto : {accumulate::no, accumulate::yes}) {
          std::vector<float> c(static_cast<std::size_t>(m * (width + 16)), onto == accumulate::yes ? 3.0F : unwritten);
          multiply_pairs(left_pairs::of_rows({left.data(), m, k, even}), panels, {c.data(), m, n, width + 16}, onto, 0.5F,
                         [&](std::int64_t, std::int64_t) { return tile_extent{0, steps_of(k), n}; });
          for (std::int64_t i = 0; i < m; ++i) {
            for (std::int64_t j = 0; j < n; ++j) {
              double sum = 0;
              for (std::int64_t l = 0; l < k; ++l) {
                sum += static_cast<double>(widened(left[static_cast<std::size_t>(i * even + l)])) *
                       static_cast<double>(widened(right[static_cast<std::size_t>(l * n + j)]));
              }
              auto const expected = 0.5 * sum + (onto == accumulate::yes ? 3 : 0);
              CHECK(std::abs(static_cast<double>(c[static_cast<std::size_t>(i * (width + 16) + j)]) - expected) < 1e-5);
            }
            auto const beyond = c[static_cast<std::size_t>(i * (width + 16) + n)];
            CHECK((onto == accumulate::yes ? beyond == 3.0F : std::isnan(beyond)));
          }
        }
      }
    }
  }
}

TEST_CASE("a left factor is a transpose in pairs of rows, and a tile reads what its extent says") {
  if (!runs()) return;
  constexpr std::int64_t k = 6, m = 20, n = 16;
  auto const left = values(k * m, 1), right = values(k * n, 2);
  std::vector<bfloat16_pair> pairs;
  for (std::size_t step = 0; step < k / 2; ++step) {
    for (std::size_t i = 0; i < m; ++i) pairs.push_back(bfloat16_pair::of(left[2 * step * m + i], left[(2 * step + 1) * m + i]));
  }
  room packed(panel_pairs(k, n));
  auto const panels = panels_of_rows({right.data(), k, n, n}, packed.pairs);
  std::vector<float> c(m * n, unwritten);
  // rows from 12 on leave out the first step; those from 18 on need no column
  multiply_pairs(left_of_row_pairs(pairs, m), panels, {c.data(), m, n, n}, accumulate::no, 1,
                 [](std::int64_t row, std::int64_t) { return tile_extent{row >= 12 ? 1 : 0, row >= 12 ? 2 : 3, row >= 18 ? 0 : n}; });
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::size_t l = i >= 12 ? 2 : 0; l < k; ++l) {
        sum += static_cast<double>(widened(left[l * m + i])) * static_cast<double>(widened(right[l * n + j]));
      }
      if (i >= 18) {
        CHECK(std::isnan(c[i * n + j]));
      } else {
        CHECK(std::abs(static_cast<double>(c[i * n + j]) - sum) < 1e-5);
      }
    }
  }
}
