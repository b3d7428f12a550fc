// Which of a training's state a rank keeps whole, and which it keeps a shard of: the stages of ZeRO.
//
//   stage   optimizer state   gradients   parameters
//     0     whole             whole       whole          data parallelism without ZeRO
//     1     a shard           whole       whole
//     2     a shard           a shard     whole
//     3     a shard           a shard     a shard
//
// Source: Rajbhandari et al., arXiv 1910.02054, section 5. What is whole is whole for every unit all the
// time; a shard of gradients or parameters still needs room for the one or two units at work.
#pragma once

#include <stdexcept>
#include <string>

namespace trainer {

struct sharding {
  bool optimizer = true;
  bool gradients = true;
  bool parameters = true;

  friend constexpr bool operator==(sharding, sharding) = default;
};

// Throws std::invalid_argument for a stage outside 0 to 3.
constexpr sharding sharding_of_stage(int stage) {
  if (stage < 0 || stage > 3) {
    throw std::invalid_argument("sharding: a ZeRO stage from 0 to 3 needed, received " + std::to_string(stage));
  }
  return {.optimizer = stage >= 1, .gradients = stage >= 2, .parameters = stage >= 3};
}

}  // namespace trainer
