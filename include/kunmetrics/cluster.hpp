// Where a run runs: nodes, processors a node, and how the model is split over them.
//
//   world = nodes · processors_per_node                    processor
//   DP    = world / (TP · PP · CP)                         replica
// A replica is one full copy of the model's work; ZeRO shards its state but does not change DP.
// Expert parallelism lives inside DP and does not enter.
#pragma once

#include <kunmetrics/quantity.hpp>

#include <cstdint>

namespace kunmetrics {

struct cluster {
  count_of<units::node> nodes = 1 * units::node;
  count_of<units::processor / units::node> per_node{};
  std::int64_t tensor_parallel = 1;
  std::int64_t pipeline_parallel = 1;
  std::int64_t context_parallel = 1;
};

// World size. Throws precondition_error when there is no node or no processor.
constexpr count_of<units::processor> processors(cluster const& c) {
  if (c.nodes.coherent() <= 0) {
    broken_precondition("cluster.nodes", "at least 1 node", std::to_string(c.nodes.coherent()));
  }
  if (c.per_node.coherent() <= 0) {
    broken_precondition("cluster.per_node", "at least 1 processor/node", std::to_string(c.per_node.coherent()));
  }
  return c.nodes * c.per_node;
}

// Data-parallel size. Throws precondition_error when TP·PP·CP does not divide the world.
constexpr count_of<units::replica> replicas(cluster const& c) {
  auto const world = processors(c);
  auto const split = c.tensor_parallel * c.pipeline_parallel * c.context_parallel;
  if (c.tensor_parallel <= 0 || c.pipeline_parallel <= 0 || c.context_parallel <= 0 || world.coherent() % split != 0) {
    broken_precondition("cluster", "TP·PP·CP dividing " + std::to_string(world.coherent()) + " processors",
                        std::to_string(c.tensor_parallel) + "·" + std::to_string(c.pipeline_parallel) + "·" +
                            std::to_string(c.context_parallel));
  }
  return exact_quotient(world, split * units::processor / units::replica);
}

}  // namespace kunmetrics
