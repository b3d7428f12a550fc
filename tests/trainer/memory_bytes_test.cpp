#include "cpu_backend.hpp"

#include "sanitizers.hpp"

#include <doctest/doctest.h>

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>

using namespace trainer;

namespace {

constexpr llama_shape shape{2, 130, 6, 2, 22, 346, 5003};
constexpr std::int64_t samples = 3, positions = 97, rows = samples * positions;

/// Bytes of parts of these element counts, each rounded up to whole cache lines.
std::int64_t padded_bytes(std::int64_t element, std::initializer_list<std::int64_t> counts) {
  std::int64_t bytes = 0;
  for (auto const count : counts) bytes += (count * element + 63) / 64 * 64;
  return bytes;
}

/// Bytes the C library has handed out and not got back; absent where a sanitizer replaces it.
std::optional<std::int64_t> heap_bytes() {
  if (trainer_test::address_sanitized) return std::nullopt;
  auto const heap = mallinfo2();
  return static_cast<std::int64_t>(heap.uordblks + heap.hblkhd);
}

fc_plan plan_of(fc_kernel kernel) {
  fc_plan plan{.height = 128};
  for (auto& passes : plan.choices) passes.fill({.kernel = kernel});
  return plan;
}
}  // namespace

TEST_CASE_TEMPLATE("activation bytes are the parts' and what is allocated", Number, float, double, bfloat16, float16) {
  auto const declared = cpu_backend<Number>::activation_bytes(shape, samples, positions);
  // matrices as they are stored, and one number a row in what they are computed with
  CHECK(declared == padded_bytes(sizeof(Number),
                                 {rows * 130, rows * (6 + 2 * 2) * 22, rows * 6 * 22, rows * 130, rows * 130,
                                  rows * 2 * 346, rows * 346}) +
                        padded_bytes(sizeof(arithmetic<Number>), {rows, rows * 6, rows}));
  cpu_backend<Number> const backend(shape, samples, positions);
  auto const before = heap_bytes();
  auto const saved = backend.make_activations();
  auto const after = heap_bytes();
  CHECK(saved.allocated_bytes() == declared);
  if (before && after) {
    CHECK(*after - *before >= declared);
    CHECK(*after - *before <= declared + 8192);  // the allocator's own page and header
  }
  CHECK(reinterpret_cast<std::uintptr_t>(saved->qkv.data()) % 64 == 0);
  auto const* const end = reinterpret_cast<std::byte const*>(saved->swiglu.data()) +
                          padded_bytes(sizeof(Number), {rows * 346});
  CHECK(end - reinterpret_cast<std::byte const*>(saved->attention_inverse.data()) == declared);
}

TEST_CASE_TEMPLATE("what is not tuned, and what oneDNN packs, is declared too", Number, float, double, bfloat16, float16) {
  auto const bytes = [](fc_plan const& plan) {
    compute_settings const compute{.threads = 2, .fc = plan};
    auto const declared = cpu_backend<Number>::scratch_bytes(shape, samples, positions, compute);
    CHECK(cpu_backend<Number>(shape, samples, positions, compute).allocated_bytes() == declared);
    return declared;
  };
  CHECK(bytes(fc_plan{}) == bytes(untuned_fc_plan<Number>(samples * positions)));
  auto const gemm = bytes(plan_of(fc_kernel::gemm)), packed = bytes(plan_of(fc_kernel::packed));
  CHECK((packed > gemm) == has_kernel<Number>(fc_kernel::packed));
}

TEST_CASE_TEMPLATE("scratch bytes are the parts' and what is allocated", Number, float, double, bfloat16, float16) {
  auto const gemm = plan_of(fc_kernel::gemm), packed = plan_of(fc_kernel::packed_panels);
  for (auto const& [threads, plan] : {std::pair{1, gemm}, {3, gemm}, {1, packed}, {3, packed}}) {
    compute_settings const compute{.threads = threads, .fc = plan};
    auto const declared = cpu_backend<Number>::scratch_bytes(shape, samples, positions, compute);
    auto const chunk = output_head<Number>::chunk_rows(shape, {samples, positions});
    constexpr std::int64_t real = sizeof(arithmetic<Number>), number = sizeof(Number);
    // attention, whose rows are whole vectors of 16: of scores, and of a head's 22 numbers 32
    constexpr auto keys = (positions + 15) / 16 * 16, pairs = (positions + 1) / 2;
    auto each = padded_bytes(real, {64 * keys, 64 * keys, 64 * 32, positions * 32, positions * 32, 128 * 692, 128 * 130});  // and tiles
    if (half_width<Number>) {
      each += padded_bytes(4, {4 * positions * 32, 692, 692, 692, 130, 130, 130}) + padded_bytes(2, {64 * keys, 64 * keys});
    }
    if (std::is_same_v<Number, bfloat16>) {  // packed keys and values, and of a block p, ds, queries and d_o
      auto const packed_head = std::max(11 * keys, pairs * 32);
      each += padded_bytes(4, {packed_head, packed_head, packed_head, 32 * keys, 32 * keys, 32 * 32, 32 * 32}) + padded_bytes(2, {64 * keys});
    }
    auto expected = threads * each +
                    padded_bytes(real, {positions * 11, positions * 11, chunk * 5003, chunk, 2 * 130}) +
                    padded_bytes(number, {rows * 132, rows * 220, chunk * 130}) + padded_bytes(4, {chunk}) +
                    // by the number of blocks of 128 rows: partial sums of a layer, and of a chunk
                    padded_bytes(8, {130, 130, 130, chunk, rows, 3 * 130, (chunk + 127) / 128 * 130});
    if (half_width<Number>) {
      expected += padded_bytes(2, {chunk * 5003});
      if (chunk < samples * (positions - 1)) expected += padded_bytes(4, {5003 * 130});
    }
    if (plan == packed && has_kernel<Number>(fc_kernel::packed_panels)) {
      // columns in panels of 16: of a layer those of the larger pass, here backward; of the head both
      expected += padded_bytes(4, {144 * 220, 144 * 130, 144 * 692, 352 * 130, 5008 * 130, 144 * 5003});
    }
    CHECK(declared == expected);
    auto const before = heap_bytes();
    cpu_backend<Number> const backend(shape, samples, positions, compute);
    auto const after = heap_bytes();
    CHECK(backend.allocated_bytes() == declared);
    if (before && after) {
      CHECK(*after - *before >= declared);
      // the blocks of layer, head and embedding, of every thread's operators, and the layouts
      CHECK(*after - *before <= declared + (6 + 2 * threads) * 8192);
    }
  }
}
