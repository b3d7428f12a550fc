// How long the products of a model take on this machine, by every way to compute them.
//
//   seconds of a product = packing once + T rows in blocks of `rows` on the rank's threads
// Ways of forward and input gradient: every kernel there is for the format, at heights of 64, 128 and 256 rows,
// and those that do not pack also by 512 or 2048 columns at once; of the head's forward pass, whose threads share
// columns, 512 to 2048 of them. Ways of the weights' gradients: kernels that do not pack, blocks of 64 to 1024 rows.
// Each is measured on as many rows as take some milliseconds, in turns, and its best of `turns` counts, as other
// work on the machine can only lengthen it. The untuned way comes first; when the time that a product may take
// is over, ways not yet measured are left out. A way that was a tenth slower than the best of its height in a
// whole turn is not measured again.
#pragma once

#include "arena.hpp"
#include "layer_products.hpp"
#include "operators/row_blocks.hpp"
#include "shape.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace trainer {

enum class fc_use { forward, input_gradient, weight_gradient };
inline constexpr std::array<std::string_view, 3> fc_use_names{"forward", "input_gradient", "weight_gradient"};

/// One way to compute a product, and how long it takes for all T rows.
struct fc_candidate {
  fc_choice how{};
  std::int64_t rows = 0;  // of a block
  double seconds = 0;     // packing included
};

/// The ways in which one product was measured, the untuned one first; none where there was no time for it.
struct fc_measured {
  fc_matrix matrix;
  fc_use use;
  std::vector<fc_candidate> candidates{};
  bool complete = false;  // all ways were
};

inline constexpr std::array<std::int64_t, 4> fc_heights{128, 64, 256, 512};  // the highest last

template <class Number>
class fc_measurement {
  using clock = std::chrono::steady_clock;
  using real = arithmetic<Number>;

 public:
  fc_measurement(llama_shape const& shape, std::int64_t rows, int threads) : shape_(shape), rows_(rows), threads_(threads) {}

  fc_measured operator()(fc_matrix matrix, fc_use use, std::chrono::nanoseconds time) {
    end_ = clock::now() + time;
    if (use == fc_use::weight_gradient) return of_gradient(matrix);
    if (use == fc_use::forward && matrix == fc_matrix::lm_head) return of_shared_columns();
    return of_rows(matrix, use);
  }

 private:
  static constexpr int turns = 4;  // the first of them warms up and counts too, if it is the best
  static constexpr std::array<std::int64_t, 2> narrow_columns{512, 2048};
  static constexpr std::array<std::int64_t, 3> shared_columns{head_columns, 512, 2048};
  static constexpr std::array<std::int64_t, 5> gradient_heights{fc_gradient{}.rows, 64, 128, 512, 1024};

  // Kernels that there are for this format, of those that pack weights or of those that do not.
  static std::vector<fc_kernel> kernels(bool packing) {
    std::vector<fc_kernel> found;
    for (auto const kernel : fc_kernels) {
      if (packs_weights(kernel) == packing && has_kernel<Number>(kernel)) found.push_back(kernel);
    }
    return found;
  }

  // The same ways, the one that is taken where nothing is tuned first.
  static std::vector<fc_candidate> untuned_first(fc_candidate const& untuned, std::vector<fc_candidate> ways) {
    auto const at = std::ranges::find_if(ways, [&](fc_candidate const& way) { return way.how == untuned.how && way.rows == untuned.rows; });
    std::rotate(ways.begin(), at, at + 1);
    return ways;
  }

  fc_measured of_rows(fc_matrix matrix, fc_use use) {
    auto const pass = use == fc_use::forward ? fc_pass::forward : fc_pass::input_gradient;
    auto const [out, in] = size_of(matrix, shape_);
    auto const n = pass == fc_pass::forward ? out : in;
    std::vector<fc_candidate> ways;
    for (auto const height : fc_heights) {
      if (height_of(matrix, height) != height) continue;
      for (auto const kernel : kernels(false)) {
        ways.push_back({{kernel, 0}, height});
        for (auto const columns : narrow_columns) {
          if (columns < n) ways.push_back({{kernel, columns}, height});
        }
      }
      for (auto const kernel : kernels(true)) ways.push_back({{kernel, 0}, height});
    }
    auto const untuned = untuned_fc_plan<Number>(rows_);
    ways = untuned_first({{untuned(matrix, pass).kernel, 0}, height_of(matrix, untuned.height)}, std::move(ways));
    auto const sample = sample_rows(n, out + in - n);
    take_memory(sample * (out + in - n), out * in, n * fc_heights.back());
    return measured(matrix, use, std::move(ways), [&](fc_candidate const& way) {
      return seconds_of_blocks({sizes_of(matrix, shape_, sample, way.rows), pass, way.how, threads_}, sample, way);
    });
  }

  // The head's logits: columns shared by threads, or where weights are packed, rows.
  fc_measured of_shared_columns() {
    auto const [out, in] = size_of(fc_matrix::lm_head, shape_);
    auto const sample = head_rows();
    std::vector<fc_candidate> ways;
    for (auto const kernel : kernels(false)) {
      for (auto const columns : shared_columns) ways.push_back({{kernel, columns}, sample});
    }
    for (auto const kernel : kernels(true)) ways.push_back({{kernel, 0}, head_height});
    auto const untuned = untuned_fc_plan<Number>()(fc_matrix::lm_head, fc_pass::forward).kernel;
    bool const packed = packs_weights(untuned);
    ways = untuned_first({{untuned, packed ? 0 : head_columns}, packed ? head_height : sample}, std::move(ways));
    take_memory(sample * in, out * in, out * head_height);
    logits_.resize(static_cast<std::size_t>(sample * out));
    return measured(fc_matrix::lm_head, fc_use::forward, std::move(ways), [&](fc_candidate const& way) {
      fc_product<Number> product{sizes_of(fc_matrix::lm_head, shape_, sample, head_height), fc_pass::forward, way.how, threads_};
      if (packs_weights(way.how.kernel)) return seconds_of_blocks(std::move(product), sample, way);
      product.prepare(weights(out, in), {});
      matrix_view<Number const> const a(std::span<Number const>(a_), sample, in);
      return all_rows(sample) * seconds_of([&] {
        for_each_row_block(out, way.how.columns, threads_, [&](row_block const& block) {
          product.multiply_columns(a, block.first, matrix_view<real>{logits_, sample, out}.block(0, block.first, sample, block.rows));
        });
      });
    });
  }

  // The same of a weight's gradient, whose rows are those of W.
  fc_measured of_gradient(fc_matrix matrix) {
    auto const [out, in] = size_of(matrix, shape_);
    auto const rows = matrix == fc_matrix::lm_head ? head_rows() : std::min(rows_, std::int64_t{2048});
    // all rows where they are few, as blocks that do not share out evenly are part of what is measured
    auto const sample = std::min(out, std::max<std::int64_t>(sample_rows(in, rows), 4096));
    std::vector<fc_candidate> ways;
    for (auto const kernel : kernels(false)) {
      for (auto const height : gradient_heights) ways.push_back({{kernel, 0}, height});
    }
    auto const untuned = untuned_fc_plan<Number>().gradients[static_cast<std::size_t>(matrix)];
    ways = untuned_first({{untuned.kernel, 0}, untuned.rows}, std::move(ways));
    take_memory(rows * sample, rows * in, in * std::ranges::max(gradient_heights));
    matrix_view<Number const> const dy(std::span<Number const>(a_), rows, sample), x(std::span<Number const>(weights_), rows, in);
    auto const scale = all_rows(rows) * static_cast<double>(out) / static_cast<double>(sample);
    return measured(matrix, fc_use::weight_gradient, std::move(ways), [&](fc_candidate const& way) {
      return scale * seconds_of([&] {
        for_each_row_block(sample, rows_of_block({way.how.kernel, way.rows}, sample, threads_), threads_, [&](row_block const& block) {
          unpacked_product<Number>(way.how.kernel, transposed(dy.block(0, block.first, rows, block.rows)), x,
                                   matrix_view<real>(tile(block.thread), block.rows, in));
        });
      });
    });
  }

  // Packs, and multiplies `sample` rows block by block.
  double seconds_of_blocks(fc_product<Number> product, std::int64_t sample, fc_candidate const& way) {
    auto const k = product.depth(), n = product.columns();
    room_.resize(std::max(room_.size(), static_cast<std::size_t>(product.room_bytes() + alignment_bytes)));
    auto const stored = product.pass() == fc_pass::forward ? weights(n, k) : weights(k, n);
    matrix_view<Number const> const a(std::span<Number const>(a_), sample, k);
    auto const packing = seconds_of([&] { product.prepare(stored, aligned_room()); });
    return packing + all_rows(sample) * seconds_of([&] {
             for_each_row_block(sample, way.rows, threads_, [&](row_block const& block) {
               product.multiply(part(a, block), {tile(block.thread), block.rows, n}, block.thread);
             });
           });
  }

  // The ways with their best seconds of some turns; those that there was time for.
  template <class Seconds>
  fc_measured measured(fc_matrix matrix, fc_use use, std::vector<fc_candidate> ways, Seconds const& seconds) const {
    fc_measured result{.matrix = matrix, .use = use};
    for (auto& way : ways) {
      if (clock::now() >= end_) return result;
      way.seconds = seconds(way);
      result.candidates.push_back(way);
    }
    result.complete = true;
    for (int turn = 1; turn < turns; ++turn) {
      for (auto& way : result.candidates) {
        if (clock::now() >= end_) return result;
        if (is_slow(way, result.candidates)) continue;
        way.seconds = std::min(way.seconds, seconds(way));
      }
    }
    return result;
  }

  static bool is_slow(fc_candidate const& way, std::span<fc_candidate const> all) {
    return std::ranges::any_of(all, [&](fc_candidate const& other) { return other.rows == way.rows && 1.1 * other.seconds < way.seconds; });
  }

  template <class Body>
  static double seconds_of(Body const& body) {
    auto const start = clock::now();
    body();
    return std::chrono::duration<double>(clock::now() - start).count();
  }

  // All rows, by those that were measured.
  double all_rows(std::int64_t sample) const { return static_cast<double>(rows_) / static_cast<double>(sample); }

  // Rows that take some milliseconds, and a few blocks of the greatest height for every thread.
  std::int64_t sample_rows(std::int64_t n, std::int64_t k) const {
    constexpr double flop = 2e9;
    auto const enough = static_cast<std::int64_t>(flop / (2.0 * static_cast<double>(n) * static_cast<double>(k)));
    auto const unit = fc_heights.back() * threads_;
    return std::min(rows_, std::max(unit, enough / unit * unit));
  }

  // Of a chunk of the head.
  std::int64_t head_rows() const { return std::min(rows_, std::int64_t{512}); }

  // Elements of both factors, and of every thread's result.
  void take_memory(std::int64_t a, std::int64_t weights, std::int64_t tile) {
    auto const grow = [](auto& memory, std::int64_t size, auto value) {
      if (memory.size() < static_cast<std::size_t>(size)) memory.resize(static_cast<std::size_t>(size), value);
    };
    grow(a_, a, narrowed<Number>(real{0.5}));
    grow(weights_, weights, narrowed<Number>(real{0.25}));
    tile_elements_ = static_cast<std::size_t>(tile);
    grow(tiles_, tile * threads_, real{0});
  }
  matrix_view<Number const> weights(std::int64_t rows, std::int64_t columns) const { return {std::span<Number const>(weights_), rows, columns}; }
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
  clock::time_point end_{};
  std::vector<Number> a_, weights_;
  std::vector<real> tiles_, logits_;
  std::size_t tile_elements_ = 0;
  std::vector<std::byte> room_;
};

}  // namespace trainer
