// What a rank keeps of the fp32 state, sharded and whole, and which stage shards what.
#include "master_state.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

using namespace trainer;

static_assert(sharding_of_stage(0) == sharding{.optimizer = false, .gradients = false, .parameters = false});
static_assert(sharding_of_stage(1) == sharding{.optimizer = true, .gradients = false, .parameters = false});
static_assert(sharding_of_stage(2) == sharding{.optimizer = true, .gradients = true, .parameters = false});
static_assert(sharding_of_stage(3) == sharding{.optimizer = true, .gradients = true, .parameters = true});

namespace {

constexpr llama_shape shape{
    .layers = 1, .hidden = 15, .heads = 2, .kv_heads = 1, .head_size = 6, .ffn = 23, .vocabulary = 53};

std::vector<unit_cut> cuts_over(std::int64_t world) {
  std::vector<unit_cut> cuts;
  for (auto const& unit : llama_units(shape)) cuts.push_back(cut(unit.numel, world));
  return cuts;
}

}  // namespace

TEST_CASE("shares of all ranks are the whole, whether a rank keeps only its own or everything") {
  auto const units = llama_units(shape);
  for (std::int64_t world : {1, 3, 8, 40}) {  // of 40 ranks some have no share of some units
    auto const cuts = cuts_over(world);
    for (int stage : {0, 3}) {
      for (std::size_t unit = 0; unit < units.size(); ++unit) {
        std::vector<float> whole(static_cast<std::size_t>(units[unit].numel)), together;
        initialise<float>(units[unit], 9, unit, 0, whole);
        for (std::int64_t rank = 0; rank < world; ++rank) {
          ledger book;
          master_state<float> state{book, units, cuts, sharding_of_stage(stage), rank, 9};
          auto const share = state.share(unit);
          CHECK(static_cast<std::int64_t>(share.parameters.size()) == cuts[unit].owned(rank));
          together.insert(together.end(), share.parameters.begin(), share.parameters.end());
          auto const kept = state.kept(unit);
          CHECK(kept.first == (stage == 0 ? 0 : cuts[unit].first(rank)));
          CHECK(static_cast<std::int64_t>(kept.m.size()) == (stage == 0 ? units[unit].numel : cuts[unit].owned(rank)));
        }
        CHECK(together == whole);
      }
    }
  }
}

TEST_CASE("an update is AdamW's on what is kept, and shows in the share and in what is sent") {
  auto const units = llama_units(shape);
  auto const cuts = cuts_over(2);
  for (int stage : {0, 1}) {
    ledger book;
    master_state<float> state{book, units, cuts, sharding_of_stage(stage), 1, 9};
    auto const kept = state.kept(1);
    std::vector<float> parameters(kept.parameters.begin(), kept.parameters.end()), m(parameters.size()),
        v(parameters.size());
    std::vector<float> const gradient(parameters.size(), 0.25F);
    adamw_step<float> const step{adamw_settings{}, 1e-2, 0.5, 1};
    adamw_update<float>(step, parameters, gradient, m, v);
    state.update(step, 1, std::span<float const>{gradient});
    CHECK(std::vector<float>(kept.parameters.begin(), kept.parameters.end()) == parameters);
    CHECK(state.share(1).m.front() == m.front());
    auto const sent = state.padded_parameters(1);
    CHECK(static_cast<std::int64_t>(sent.size()) == (stage == 0 ? cuts[1].padded() : cuts[1].shard));
    CHECK(sent.front() == parameters.front());
  }
}

TEST_CASE("a stage that is none is refused") {
  CHECK_THROWS_WITH_AS(sharding_of_stage(4), "sharding: a ZeRO stage from 0 to 3 needed, received 4",
                       std::invalid_argument);
  CHECK_THROWS_AS(sharding_of_stage(-1), std::invalid_argument);
}
