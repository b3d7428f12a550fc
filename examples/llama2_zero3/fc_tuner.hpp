// FC blocking tuned for a run: the plan of products that is fastest here, found by measuring.
//
//   seconds of a product = packing once + T rows in blocks of `height` on the rank's threads
// Candidates of forward and input gradient: both kernels, at heights of 64, 128 and 256 rows; a height is one
// for all products of a layer, so the sum over them decides. Candidates of the weights' gradients: blocks of
// 64 to 512 rows. Each is measured on as many rows as take some milliseconds, in turns, and its best of
// `turns` counts, as other work on the machine can only lengthen it. When the budget is spent, what has not
// been measured stays as it is.
// A plan that packs may change the last bits of a run; all ranks of a run must be given the same.
#pragma once

#include "compute_settings.hpp"
#include "layer_products.hpp"
#include "operators/block_team.hpp"
#include "operators/row_blocks.hpp"
#include "shape.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace trainer {

enum class fc_use { forward, input_gradient, weight_gradient };
inline constexpr std::array<std::string_view, 3> fc_use_names{"forward", "input_gradient", "weight_gradient"};

/// One way to compute a product, and how long it takes for all T rows.
struct fc_candidate {
  fc_kernel kernel = fc_kernel::gemm;
  std::int64_t rows = 0;  // of a block
  double seconds = 0;     // packing included
};

/// A product of the model, how it was computed before and how it is now.
struct fc_tuned {
  fc_matrix matrix;
  fc_use use;
  std::int64_t m, n, k;
  fc_candidate before, now;

  double flop() const { return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }
};

struct fc_tuning {
  fc_plan plan{};
  std::vector<fc_tuned> products{};  // in the order of matrices, forward first
  double seconds = 0;                // that measuring took; 0 for a plan that was not measured now
  bool complete = true;              // whether the budget allowed for all candidates

  /// Seconds of all products of a step's micro-batch before, over those now; layers count as often as there are.
  double gain(std::int64_t layers) const {
    double before = 0, now = 0;
    for (auto const& one : products) {
      auto const times = one.matrix == fc_matrix::lm_head ? 1.0 : static_cast<double>(layers);
      before += times * one.before.seconds;
      now += times * one.now.seconds;
    }
    return now > 0 ? before / now : 1.0;
  }
};

namespace detail {
inline constexpr std::array<std::int64_t, 3> block_heights{64, 128, 256};
inline constexpr std::array<std::int64_t, 4> gradient_heights{64, 128, 256, 512};

template <class Number>
class fc_measurement {
  using clock = std::chrono::steady_clock;
  using real = arithmetic<Number>;

 public:
  fc_measurement(llama_shape const& shape, std::int64_t rows, int threads, std::chrono::milliseconds budget)
      : shape_(shape), rows_(rows), threads_(threads), end_(clock::now() + budget) {}

  bool has_time() const { return clock::now() < end_; }

  // All candidates of a product, measured in turns; empty when there was no time.
  std::vector<fc_candidate> of_rows(fc_matrix matrix, fc_pass pass) {
    auto const [out, in] = size_of(matrix, shape_);
    auto const [k, n] = pass == fc_pass::forward ? std::pair{in, out} : std::pair{out, in};
    auto const sample = sample_rows(n, k);
    take_memory(sample * k, out * in, n);
    matrix_view<Number const> const a(std::span<Number const>(a_), sample, k), weights(std::span<Number const>(b_), out, in);
    std::vector<fc_candidate> candidates;
    std::vector<fc_product<Number>> products;
    for (auto const height : block_heights) {
      for (auto const kernel : {fc_kernel::gemm, fc_kernel::packed}) {
        if (!has_kernel<Number>(kernel)) continue;
        candidates.push_back({kernel, height, 0});
        products.emplace_back(sizes_of(matrix, shape_, sample, height), pass, kernel, threads_);
        room_.resize(std::max(room_.size(), static_cast<std::size_t>(products.back().room_bytes() + alignment_bytes)));
      }
    }
    auto const scale = static_cast<double>(rows_) / static_cast<double>(sample);
    bool const measured = in_turns(candidates, [&](std::size_t i) {
      auto& product = products[i];
      auto const packing = seconds_of([&] { product.prepare(weights, aligned_room()); });
      return packing + scale * seconds_of([&] {
               for_each_row_block(sample, candidates[i].rows, threads_, [&](row_block const& block) {
                 product.multiply(a.block(block.first, 0, block.rows, k), {tile(block.thread), block.rows, n}, block.thread);
               });
             });
    });
    return measured ? candidates : std::vector<fc_candidate>{};
  }

  // The same of a weight's gradient, whose rows are those of W.
  std::vector<fc_candidate> of_gradient(fc_matrix matrix) {
    auto const [out, in] = size_of(matrix, shape_);
    auto const rows = std::min(rows_, std::int64_t{matrix == fc_matrix::lm_head ? 512 : 2048});
    // all rows where they are few, as blocks that do not share out evenly are part of what is measured
    auto const sample = std::min(out, std::max<std::int64_t>(sample_rows(in, rows), 4096));
    take_memory(rows * sample, rows * in, 2 * in);
    matrix_view<Number const> const dy(std::span<Number const>(a_), rows, sample), x(std::span<Number const>(b_), rows, in);
    std::vector<fc_candidate> candidates;
    for (auto const height : gradient_heights) candidates.push_back({fc_kernel::gemm, height, 0});
    auto const scale = static_cast<double>(rows_) / static_cast<double>(rows) * static_cast<double>(out) / static_cast<double>(sample);
    bool const measured = in_turns(candidates, [&](std::size_t i) {
      return scale * seconds_of([&] {
        for_each_row_block(sample, candidates[i].rows, threads_, [&](row_block const& block) {
          mixed_product<Number>(transposed(dy.block(0, block.first, rows, block.rows)), x,
                                matrix_view<real>(tile(block.thread), block.rows, in));
        });
      });
    });
    return measured ? candidates : std::vector<fc_candidate>{};
  }

 private:
  static constexpr int turns = 4;  // the first of them warms up and counts too, if it is the best

  template <class Body>
  static double seconds_of(Body const& body) {
    auto const start = clock::now();
    body();
    return std::chrono::duration<double>(clock::now() - start).count();
  }

  // Whether every candidate had a turn at least.
  template <class Seconds>
  bool in_turns(std::vector<fc_candidate>& candidates, Seconds const& seconds) {
    for (int turn = 0; turn < turns; ++turn) {
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (!has_time()) return turn > 0;
        auto const time = seconds(i);
        auto& best = candidates[i].seconds;
        best = turn == 0 ? time : std::min(best, time);
      }
    }
    return true;
  }

  // Rows that take some milliseconds, and a few blocks of the greatest height for every thread.
  std::int64_t sample_rows(std::int64_t n, std::int64_t k) const {
    constexpr double flop = 2e9;
    auto const enough = static_cast<std::int64_t>(flop / (2.0 * static_cast<double>(n) * static_cast<double>(k)));
    auto const unit = block_heights.back() * threads_;
    return std::min(rows_, std::max(unit, enough / unit * unit));
  }

  void take_memory(std::int64_t a, std::int64_t b, std::int64_t row) {
    auto const grow = [](auto& memory, std::int64_t size, auto value) {
      if (memory.size() < static_cast<std::size_t>(size)) memory.resize(static_cast<std::size_t>(size), value);
    };
    grow(a_, a, narrowed<Number>(real{0.5}));
    grow(b_, b, narrowed<Number>(real{0.25}));
    tile_elements_ = static_cast<std::size_t>(row * block_heights.back());
    grow(tiles_, static_cast<std::int64_t>(tile_elements_) * threads_, real{0});
  }
  std::span<real> tile(std::size_t thread) { return std::span{tiles_}.subspan(thread * tile_elements_, tile_elements_); }
  std::span<std::byte> aligned_room() {
    void* first = room_.data();
    auto size = room_.size();
    std::align(static_cast<std::size_t>(alignment_bytes), 1, first, size);
    return {static_cast<std::byte*>(first), size};
  }

  llama_shape shape_;
  std::int64_t rows_;
  int threads_;
  clock::time_point end_;
  std::vector<Number> a_, b_;
  std::vector<real> tiles_;
  std::size_t tile_elements_ = 0;
  std::vector<std::byte> room_;
};

inline fc_candidate const& fastest(std::span<fc_candidate const> candidates) {
  return *std::ranges::min_element(candidates, {}, &fc_candidate::seconds);
}

// The fastest at one height, if there is one.
inline std::optional<fc_candidate> fastest_at(std::span<fc_candidate const> candidates, std::int64_t height) {
  std::optional<fc_candidate> best;
  for (auto const& one : candidates) {
    if (one.rows == height && (!best || one.seconds < best->seconds)) best = one;
  }
  return best;
}

inline fc_candidate untuned(std::span<fc_candidate const> candidates, std::int64_t rows) {
  return *std::ranges::find_if(candidates, [&](fc_candidate const& c) { return c.kernel == fc_kernel::gemm && c.rows == rows; });
}
}  // namespace detail

/// The fastest plan for `rows` rows a micro-batch on `threads` threads, found within about `budget`.
template <class Number>
fc_tuning tuned_fc(llama_shape const& shape, std::int64_t rows, int threads,
                   std::chrono::milliseconds budget = std::chrono::seconds{15}) {
  auto const start = std::chrono::steady_clock::now();
  detail::fc_measurement<Number> measure(shape, rows, threads, budget);
  fc_tuning tuning;
  struct measured {
    fc_matrix matrix;
    fc_use use;
    std::vector<fc_candidate> candidates;
  };
  std::vector<measured> all;
  for (auto const matrix : {fc_matrix::qkv, fc_matrix::wo, fc_matrix::gate_up, fc_matrix::down, fc_matrix::lm_head}) {
    all.push_back({matrix, fc_use::forward, measure.of_rows(matrix, fc_pass::forward)});
    all.push_back({matrix, fc_use::input_gradient, measure.of_rows(matrix, fc_pass::input_gradient)});
    all.push_back({matrix, fc_use::weight_gradient, measure.of_gradient(matrix)});
  }
  std::erase_if(all, [](measured const& one) { return one.candidates.empty(); });
  tuning.complete = all.size() == 15;

  // one height for all: that of the least sum, where layers count as often as there are
  double least = 0;
  for (auto const height : detail::block_heights) {
    double sum = 0;
    for (auto const& one : all) {
      if (one.use == fc_use::weight_gradient) continue;
      auto const times = one.matrix == fc_matrix::lm_head ? 1.0 : static_cast<double>(shape.layers);
      sum += times * detail::fastest_at(one.candidates, height)->seconds;
    }
    if (sum > 0 && (least == 0 || sum < least)) least = sum, tuning.plan.height = height;
  }
  for (auto const& one : all) {
    auto const [out, in] = size_of(one.matrix, shape);
    auto const index = static_cast<std::size_t>(one.matrix);
    fc_tuned product{.matrix = one.matrix, .use = one.use, .m = rows, .n = out, .k = in, .before = {}, .now = {}};
    if (one.use == fc_use::weight_gradient) {
      product = {one.matrix, one.use, out, in, rows, detail::untuned(one.candidates, fc_plan{}.gradient_rows[index]), detail::fastest(one.candidates)};
      tuning.plan.gradient_rows[index] = product.now.rows;
    } else {
      if (one.use == fc_use::input_gradient) std::swap(product.n, product.k);
      product.before = detail::untuned(one.candidates, fc_plan{}.height);
      product.now = *detail::fastest_at(one.candidates, tuning.plan.height);
      tuning.plan.kernels[index][static_cast<std::size_t>(one.use)] = product.now.kernel;
    }
    tuning.products.push_back(product);
  }
  tuning.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return tuning;
}

}  // namespace trainer
