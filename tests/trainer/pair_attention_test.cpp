// bfloat16 heads by the pair kernel against the fp64 operator on the same numbers: a short block, a block and a part,
// several blocks, an odd number of rows, head sizes that are no multiple of a panel; and values that are not numbers.
// Tiles (AMX) take the kernel's place: ctest sets ONEDNN_MAX_CPU_ISA so that it runs beside them too.
#include "attention_team.hpp"
#include "central_difference.hpp"
#include "operators/causal_attention.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {
std::vector<attention_shape> const shapes{{1, 1, 1, 1, 2},   {2, 5, 3, 3, 6},    {2, 67, 4, 2, 20},
                                          {1, 128, 2, 1, 64}, {1, 200, 2, 2, 96}, {1, 65, 1, 1, 128},
                                          {1, 67, 2, 1, 7}};  // odd: oneDNN's gemm

std::vector<bfloat16> rounded(std::vector<double> const& exact) {
  std::vector<bfloat16> all;
  for (double const each : exact) all.push_back(narrowed<bfloat16>(static_cast<float>(each)));
  return all;
}
std::vector<double> exact(std::vector<bfloat16> const& of) {
  std::vector<double> all;
  for (auto const each : of) all.push_back(static_cast<double>(widened(each)));
  return all;
}

/// Distance relative to the size of all.
double distance(std::vector<double> const& a, std::vector<double> const& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(a[i] - b[i], 2);
    size += std::pow(b[i], 2);
  }
  return std::sqrt(difference / size);
}

template <class Number>
struct attended {
  std::vector<Number> o, d_qkv;
  std::vector<arithmetic<Number>> lse;

  attended(attention_shape const& s, std::vector<Number> const& qkv, std::vector<Number> const& d_o, int threads = 1) {
    auto const rows = s.samples * s.positions, width = (s.heads + 2 * s.kv_heads) * s.head_size, out = s.heads * s.head_size;
    o.resize(d_o.size());
    d_qkv.resize(qkv.size());
    lse.resize(static_cast<std::size_t>(rows * s.heads));
    attention_team<Number> const scratch(s, threads);
    for (auto const& one : scratch.members()) {  // what another block may have left there
      std::ranges::fill(one.scores, std::numeric_limits<arithmetic<Number>>::quiet_NaN());
      std::ranges::fill(one.d_scores, std::numeric_limits<arithmetic<Number>>::quiet_NaN());
    }
    causal_attention_forward<Number>(s, {qkv, rows, width}, {o, rows, out}, lse, scratch.members());
    causal_attention_backward<Number>(s, {qkv, rows, width}, {o, rows, out}, lse, {d_o, rows, out}, {d_qkv, rows, width},
                                      scratch.members());
  }
};

struct inputs {
  std::vector<bfloat16> qkv, d_o;

  explicit inputs(attention_shape const& s)
      : qkv(rounded(normal_values(s.samples * s.positions * (s.heads + 2 * s.kv_heads) * s.head_size, 1))),
        d_o(rounded(normal_values(s.samples * s.positions * s.heads * s.head_size, 2))) {}
};

bool runs() {
  bool const it_does = uses_pair_attention(shapes.front());
  if (!it_does) MESSAGE("not run: this processor does not multiply bfloat16, or it has tiles and oneDNN may use them");
  return it_does;
}
}  // namespace

TEST_CASE("outputs, log-sum-exps and gradients are those of the exact operator but for roundings to bfloat16") {
  if (!runs()) return;
  for (auto const& s : shapes) {
    CAPTURE(s.positions);
    CAPTURE(s.head_size);
    inputs const in(s);
    attended<bfloat16> const ours(s, in.qkv, in.d_o);
    attended<double> const exactly(s, exact(in.qkv), exact(in.d_o));
    CHECK(distance(exact(ours.o), exactly.o) < 0x1p-8);
    CHECK(distance(exact(ours.d_qkv), exactly.d_qkv) < 0x1p-7);  // o, rounded too, is in every row's mean
    for (std::size_t i = 0; i < ours.lse.size(); ++i) CHECK(std::abs(static_cast<double>(ours.lse[i]) - exactly.lse[i]) < 2e-6);
  }
}

TEST_CASE("any number of threads gives the same bits") {
  if (!runs()) return;
  auto const& s = shapes[2];
  inputs const in(s);
  attended<bfloat16> const alone(s, in.qkv, in.d_o), shared(s, in.qkv, in.d_o, 3);
  CHECK(shared.o == alone.o);
  CHECK(shared.d_qkv == alone.d_qkv);
}

TEST_CASE("a NaN reaches its own row and those after it, scores that are large do not overflow") {
  if (!runs()) return;
  attention_shape const s{1, 70, 1, 1, 6};
  inputs in(s);
  for (auto& each : in.qkv) each = narrowed<bfloat16>(widened(each) * 64.0F);  // scores of thousands
  attended<bfloat16> const large(s, in.qkv, in.d_o);
  CHECK(std::ranges::all_of(large.o, [](bfloat16 x) { return is_finite(x); }));
  CHECK(std::ranges::all_of(large.d_qkv, [](bfloat16 x) { return is_finite(x); }));
  in.qkv[40 * 18 + 6] = narrowed<bfloat16>(std::numeric_limits<float>::quiet_NaN());  // a key of position 40
  attended<bfloat16> const spoilt(s, in.qkv, in.d_o);
  for (std::int64_t row = 0; row < 70; ++row) {
    CAPTURE(row);
    CHECK(is_finite(spoilt.o[static_cast<std::size_t>(row * 6)]) == (row < 40));
  }
}
