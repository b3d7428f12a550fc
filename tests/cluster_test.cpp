#include <kunmetrics/cluster.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr cluster two_nodes{.nodes = 2 * node, .per_node = 8 * processor / node};
static_assert(processors(two_nodes) == 16 * processor);
static_assert(replicas(two_nodes) == 16 * replica);
constexpr cluster split{.nodes = 4 * node,
                        .per_node = 8 * processor / node,
                        .tensor_parallel = 4,
                        .pipeline_parallel = 2,
                        .context_parallel = 2};
static_assert(replicas(split) == 2 * replica);
}  // namespace

TEST_CASE("a cluster that cannot be is refused") {
  CHECK_THROWS_WITH_AS(processors(cluster{.nodes = 0 * node, .per_node = 8 * processor / node}),
                       "cluster.nodes: needed at least 1 node, received 0", precondition_error);
  CHECK_THROWS_WITH_AS(processors(cluster{.per_node = 0 * processor / node}),
                       "cluster.per_node: needed at least 1 processor/node, received 0", precondition_error);
  cluster c = two_nodes;
  c.tensor_parallel = 3;
  CHECK_THROWS_WITH_AS(replicas(c), "cluster: needed TP·PP·CP dividing 16 processors, received 3·1·1",
                       precondition_error);
  c.tensor_parallel = 0;
  CHECK_THROWS_AS(replicas(c), precondition_error);
}
