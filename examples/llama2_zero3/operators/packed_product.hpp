// Products with one matrix of weights that is packed once and used by block after block of rows.
//
//   c [R, N] = a [R, K] * b [K, N],   R of a block's height, or of what the last block has
// b is packed into the layout that oneDNN's matmul primitive wants; which that is, and how many bytes it has,
// depends on the sizes and on the processor. Sums are fp32. For float, and for bfloat16 where the processor
// multiplies it; b may be a transpose, as in forward, where b = W^T. oneDNN 2.5 or newer, 3.x included.
// A thread has its own handles, made once, and its own scratchpad: oneDNN's would be that of the thread that
// made the primitive. So a product allocates nothing but what oneDNN may.
#pragma once

#include "operators/number_formats.hpp"
#include "operators/openmp_threads.hpp"
#include "operators/product.hpp"

#include <oneapi/dnnl/dnnl.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trainer {

/// Sizes of packed products: blocks of `height` rows of `rows`, each [., k] times weights [k, n].
struct packed_sizes {
  std::int64_t rows, height, k, n;
  bool transposed;  // the weights are stored [n, k]
};

namespace detail {
template <class Number>
constexpr dnnl::memory::data_type dnnl_type() noexcept {
  return std::same_as<Number, float> ? dnnl::memory::data_type::f32 : dnnl::memory::data_type::bf16;
}

/// The processor, as oneDNN knows it: one object a process.
inline dnnl::engine const& cpu_engine() {
  static dnnl::engine const engine{dnnl::engine::kind::cpu, 0};
  return engine;
}

inline dnnl::matmul::primitive_desc matmul_of(dnnl::memory::desc const& a, dnnl::memory::desc const& b, dnnl::memory::desc const& c) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  return {cpu_engine(), a, b, c, attributes};
#else
  return {dnnl::matmul::desc{a, b, c}, attributes, cpu_engine()};
#endif
}
}  // namespace detail

template <class Number>
class packed_product {
  using memory = dnnl::memory;

 public:
  /// For up to `threads` threads at once; throws dnnl::error where oneDNN has no such product.
  packed_product(packed_sizes const& sizes, int threads) : sizes_(sizes) {
    openmp_threads const alone(1);  // a primitive is made for the threads there are
    for (auto const rows : {sizes.height, sizes.rows % sizes.height}) {
      if (rows == 0 || rows > sizes.rows) continue;
      kinds_.emplace_back(rows, sizes, kinds_.empty() ? nullptr : &kinds_.front().weights, threads);
    }
  }

  /// Bytes of the packed weights and of the threads' scratchpads.
  std::int64_t room_bytes() const {
    auto bytes = padded(kinds_.front().weights.get_size());
    for (auto const& one : kinds_) bytes += one.handles.size() * padded(one.scratchpad.get_size());
    return static_cast<std::int64_t>(bytes);
  }

  /// Packs weights [k, n] into `room` of at least room_bytes(), aligned to 64 bytes, on `threads` threads.
  void pack(factor<Number> const& b, std::span<std::byte> room, int threads) {
    openmp_threads const together(threads);
    auto const strides = b.is_transposed ? memory::dims{1, b.stride} : memory::dims{b.stride, 1};
    memory const from({{sizes_.k, sizes_.n}, detail::dnnl_type<Number>(), strides}, detail::cpu_engine(), const_cast<Number*>(b.data));
    memory const to(kinds_.front().weights, detail::cpu_engine(), room.data());
    dnnl::stream stream{detail::cpu_engine()};
    dnnl::reorder(from, to).execute(stream, const_cast<memory&>(from), const_cast<memory&>(to));
    stream.wait();
    packed_ = room.data();
    auto* free = packed_ + padded(kinds_.front().weights.get_size());
    for (auto& one : kinds_) {
      for (auto& thread : one.handles) {
        thread.scratchpad.set_data_handle(free);
        free += padded(one.scratchpad.get_size());
      }
    }
  }

  /// c = a * the weights packed last, on the thread-th of the threads; a has rows of distance k, c of n.
  void multiply(matrix_view<Number const> a, matrix_view<float> c, std::size_t thread) {
    auto& of = a.rows == kinds_.front().rows ? kinds_.front() : kinds_.back();
    of.handles[thread].execute(of.matmul, a.data, packed_, c.data);
  }

 private:
  static std::size_t padded(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

  struct handle {
    memory a, b, c, scratchpad;
    dnnl::stream stream{detail::cpu_engine()};

    explicit handle(dnnl::matmul::primitive_desc const& of)
        : a(of.src_desc(), detail::cpu_engine(), nullptr),
          b(of.weights_desc(), detail::cpu_engine(), nullptr),
          c(of.dst_desc(), detail::cpu_engine(), nullptr),
          scratchpad(of.scratchpad_desc(), detail::cpu_engine(), nullptr) {}

    void execute(dnnl::matmul const& matmul, Number const* from, std::byte* weights, float* to) {
      a.set_data_handle(const_cast<Number*>(from));
      b.set_data_handle(weights);
      c.set_data_handle(to);
      matmul.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}, {DNNL_ARG_SCRATCHPAD, scratchpad}});
    }
  };

  // Blocks of one number of rows, with weights in the layout of the first kind.
  struct kind {
    std::int64_t rows;
    memory::desc weights, scratchpad;
    dnnl::matmul matmul;
    std::vector<handle> handles;

    kind(std::int64_t block_rows, packed_sizes const& sizes, memory::desc const* layout, int threads) : rows(block_rows) {
      constexpr auto number = detail::dnnl_type<Number>();
      memory::desc const a({rows, sizes.k}, number, memory::dims{sizes.k, 1});
      memory::desc const any({sizes.k, sizes.n}, number, memory::format_tag::any);
      memory::desc const c({rows, sizes.n}, memory::data_type::f32, memory::dims{sizes.n, 1});
      auto const described = detail::matmul_of(a, layout == nullptr ? any : *layout, c);
      weights = described.weights_desc();
      scratchpad = described.scratchpad_desc();
      matmul = dnnl::matmul(described);
      for (int i = 0; i < threads; ++i) handles.emplace_back(described);
    }
  };

  packed_sizes sizes_;
  std::vector<kind> kinds_;
  std::byte* packed_ = nullptr;
};

}  // namespace trainer
