// The memory of the threads that compute an attention, for tests of it alone.
#pragma once

#include "operators/attention_shape.hpp"

#include <span>
#include <vector>

namespace trainer_test {

template <class Number>
class attention_team {
 public:
  explicit attention_team(trainer::attention_shape const& shape, int threads = 1)
      : memory_(trainer::block_bytes<parts>(shape, threads)), parts_(memory_, shape, threads) {}

  std::span<trainer::attention_scratch<Number> const> members() const { return parts_.each; }

 private:
  struct parts {
    std::vector<trainer::attention_scratch<Number>> each;
    parts(trainer::arena& from, trainer::attention_shape const& shape, int threads) {
      for (int i = 0; i < threads; ++i) each.emplace_back(from, shape);
    }
  };

  trainer::arena memory_;
  parts parts_;
};

}  // namespace trainer_test
