// Sums of a run over the ranks of a c10d process group.
//
//   interval_of_all   Σ tokens of the ranks, the longest time, the steps of one rank
//   executed_by_all   Σ of each kind of FLOP
// One all-reduce of a few doubles each, on the device that the group's backend reduces on. Every rank must
// call; all get the same. Counts are exact to 2^53. A group is a c10d::ProcessGroup or, from libtorch 2.0 on, one of
// its backends as well.
#pragma once

#include <kunmetrics/requirements.hpp>
#include <kunmetrics/torch/flop_counter.hpp>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/types.h>

#include <array>
#include <vector>

namespace kunmetrics {

template <typename Group>
concept reducing_group =
    requires(Group& group, std::vector<at::Tensor>& tensors, c10d::AllreduceOptions const& options) {
      group.allreduce(tensors, options)->wait();
    };
static_assert(reducing_group<c10d::ProcessGroup>);

namespace detail {
template <std::size_t N>
std::array<double, N> all_reduced(reducing_group auto& group, std::array<double, N> const& mine, c10d::ReduceOp operation,
                                  c10::Device device) {
  auto tensor = torch::empty({static_cast<std::int64_t>(N)}, torch::kFloat64);
  std::copy(mine.begin(), mine.end(), tensor.template data_ptr<double>());
  std::vector<at::Tensor> tensors{tensor.to(device)};
  c10d::AllreduceOptions options;
  options.reduceOp = operation;
  group.allreduce(tensors, options)->wait();
  auto const back = tensors[0].to(torch::kCPU);
  std::array<double, N> all{};
  std::copy_n(back.template data_ptr<double>(), N, all.begin());
  return all;
}
}  // namespace detail

interval interval_of_all(reducing_group auto& group, interval const& mine, c10::Device device = torch::kCPU) {
  auto const tokens = detail::all_reduced<1>(group, {static_cast<double>(mine.tokens.coherent())}, c10d::ReduceOp::SUM, device);
  auto const time = detail::all_reduced<1>(group, {mine.time.coherent()}, c10d::ReduceOp::MAX, device);
  return {.tokens = static_cast<std::int64_t>(tokens[0]) * units::token, .time = time[0] * units::second, .steps = mine.steps};
}

executed_flop executed_by_all(reducing_group auto& group, executed_flop const& mine, c10::Device device = torch::kCPU) {
  auto const of = [](std::int64_t flop) { return static_cast<double>(flop); };
  auto const all = detail::all_reduced<4>(group, {of(mine.forward), of(mine.backward), of(mine.recomputed), of(mine.masked)},
                                          c10d::ReduceOp::SUM, device);
  auto const back = [](double flop) { return static_cast<std::int64_t>(flop); };
  return {back(all[0]), back(all[1]), back(all[2]), back(all[3])};
}

}  // namespace kunmetrics
