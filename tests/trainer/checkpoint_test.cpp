// Trainings saved and taken up again on other numbers of ranks, compared to the bit.
#include "checkpoint.hpp"

#include "checkpoint_saver.hpp"
#include "cpu_backend.hpp"
#include "scratch_folder.hpp"
#include "training_run.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using trainer::any_communicator;
using trainer::checkpoint;
using trainer::checkpoint_meta;
using trainer::checkpoint_saver;
using trainer::thread_communicator;
using trainer::tiny_llama;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;

namespace {
template <class Number>
using engine_of = trainer::zero3<trainer::cpu_backend<Number>, any_communicator>;

checkpoint_meta meta_of_tiny() {
  return {.model = tiny_llama, .seed = 5, .dataset = "d", .dataset_tokens = 100, .dataset_crc = 7, .sequence_length = 7};
}

// Trains from a checkpoint, or from the start, to step `until` on `world` ranks, saves, and gives the state back.
template <class Number>
trainer::training<float> trained_until(std::int64_t until, int world, std::filesystem::path const& root,
                                       std::optional<std::filesystem::path> from = {},
                                       trainer::zero3_settings settings = trainer::tiny_settings, std::int64_t micro_batches = 24) {
  trainer::training<float> state;
  settings.gradient_accumulation_steps = std::max<std::int64_t>(1, micro_batches / world);
  std::optional<checkpoint> source;
  if (from) source.emplace(*from);
  trainer::run_ranks(world, [&](thread_communicator& threads) {
    any_communicator ranks{threads};
    engine_of<Number> engine{tiny_llama, settings, ranks};
    if (source) {
      for (std::size_t unit = 0; unit < engine.units().size(); ++unit) source->load(unit, engine.kept(unit));
      engine.resume(source->meta().progress);
    }
    checkpoint_saver saver{root, 3, ranks};
    while (engine.progress().steps < until) {
      auto const tokens = trainer::tokens_of_rank(engine.progress().steps, ranks.rank(), world, settings, tiny_llama.vocabulary);
      auto const result = engine.step(tokens, 1e-2, false);
      if (ranks.rank() == 0) state.losses.push_back(result.loss), state.norms.push_back(result.grad_norm);
      saver.poll();
    }
    auto meta = meta_of_tiny();
    meta.progress = engine.progress();
    saver.save(engine, meta);
    saver.finish();
    trainer::training<float> whole;  // the same on every rank
    trainer::assemble(engine, ranks, whole);
    if (ranks.rank() != 0) return;
    state.parameters = std::move(whole.parameters);
    state.m = std::move(whole.m);
    state.v = std::move(whole.v);
  });
  return state;
}

bool same_state(trainer::training<float> const& a, trainer::training<float> const& b) {
  return trainer::same_bits(a.parameters, b.parameters) && trainer::same_bits(a.m, b.m) && trainer::same_bits(a.v, b.v);
}
}  // namespace

TEST_CASE_TEMPLATE("resumed at the same and at other world sizes: the bits of the undisturbed training", Number, float,
                   trainer::bfloat16, trainer::float16) {
  scratch_folder const folder;
  auto settings = trainer::tiny_settings;
  if constexpr (std::is_same_v<Number, trainer::float16>) settings.loss_scale = trainer::loss_scale_settings{.initial = 1 << 24, .window = 2};
  auto const whole = trained_until<Number>(8, 4, folder / "whole", {}, settings);
  trained_until<Number>(3, 4, folder / "a", {}, settings);
  for (int world : {4, 8, 3, 1, 6}) {  // all of which divide 24 micro-batches
    CAPTURE(world);
    auto const resumed = trained_until<Number>(8, world, folder / "b", folder / "a", settings);
    CHECK(same_state(resumed, whole));
    CHECK(trainer::same_bits(resumed.losses, std::vector<double>(whole.losses.begin() + 3, whole.losses.end())));
  }
}

TEST_CASE("stages: what one saves another takes up") {
  scratch_folder const folder;
  auto const whole = trained_until<float>(6, 4, folder / "whole");
  for (int from : {0, 1, 2, 3}) {
    auto settings = trainer::tiny_settings;
    settings.stage = from;
    auto const path = folder / ("from" + std::to_string(from));
    trained_until<float>(3, 3, path, {}, settings);
    settings.stage = 3 - from;
    CHECK(same_state(trained_until<float>(6, 2, folder / "to", path, settings), whole));
  }
}

TEST_CASE("8 to 3 to 5 to 8 ranks leaves masters, m and v as they were") {
  scratch_folder const folder;
  auto const before = trained_until<float>(2, 8, folder / "w8");
  std::filesystem::path from = folder / "w8";
  for (int world : {3, 5, 8}) {
    auto const to = folder / ("to" + std::to_string(world));
    CHECK(same_state(trained_until<float>(2, world, to, from), before));  // taken up and saved again, not trained
    from = to;
  }
  auto const first = checkpoint{folder / "w8"}.path(), last = checkpoint{folder / "to8"}.path();
  for (int rank = 0; rank < 8; ++rank) {
    CHECK(content(first / trainer::shard_name(rank, 8)) == content(last / trainer::shard_name(rank, 8)));
  }
}

TEST_CASE("more ranks than there is to share: some have nothing of a unit") {
  scratch_folder const folder;
  auto const before = trained_until<float>(1, 24, folder / "many", {}, trainer::tiny_settings, 24);
  CHECK(same_state(trained_until<float>(1, 1, folder / "one", folder / "many"), before));
}

TEST_CASE("a damaged, missing or foreign shard, and a checkpoint of another training") {
  scratch_folder const folder;
  trained_until<float>(1, 3, folder / "c");
  auto const path = checkpoint{folder / "c"}.path();
  auto const load = [&] {
    checkpoint const opened{folder / "c"};
    std::vector<float> p(5000), m(5000), v(5000);
    for (std::size_t unit = 0; unit < 6; ++unit) {
      auto const size = static_cast<std::size_t>(trainer::llama_units(tiny_llama)[unit].numel);
      p.resize(size), m.resize(size), v.resize(size);
      opened.load(unit, {0, p, m, v});
    }
  };
  CHECK(message_of(load) == "nothing thrown");
  auto const shard = path / "rank_00001_of_00003.bin";
  auto const whole = content(shard);
  auto const replaced = [&](std::string const& bytes) {
    folder.file(std::filesystem::relative(shard, folder.path()).string(), bytes);
    return message_of(load);
  };
  auto damaged = whole;
  damaged[damaged.size() / 2] ^= 1;
  CHECK(replaced(damaged).find(shard.string() + ": offset ") == 0);
  CHECK(replaced(damaged).find("received a wrong checksum of ") != std::string::npos);
  CHECK(replaced(whole.substr(0, whole.size() - 64)).find(shard.string() + ": offset ") == 0);
  CHECK(replaced(content(path / "rank_00002_of_00003.bin")) ==
        shard.string() + ": offset 0: needed the shard that meta.json tells of, received another one");
  std::filesystem::remove(shard);
  CHECK(message_of(load) == shard.string() + ": offset 0: needed a readable file, received No such file or directory");
  CHECK(replaced(whole) == "nothing thrown");

  checkpoint const opened{folder / "c"};
  auto other = meta_of_tiny();
  CHECK(message_of([&] { trainer::require_same_training(opened, other); }) == "nothing thrown");
  other.model.hidden = 16;
  CHECK(message_of([&] { trainer::require_same_training(opened, other); }) ==
        (path / "meta.json").string() + ": needed a model with hidden 16, found 15");
  other = meta_of_tiny();
  other.seed = 6;
  CHECK(message_of([&] { trainer::require_same_training(opened, other); }) == (path / "meta.json").string() + ": needed the seed 6, found 5");
  other = meta_of_tiny();
  other.dataset_tokens = 99;
  CHECK(message_of([&] { trainer::require_same_training(opened, other); }).find("needed the data d of 99 tokens") != std::string::npos);
  other = meta_of_tiny();
  other.dataset_crc = 8;
  CHECK(message_of([&] { trainer::require_same_training(opened, other); }) ==
        (path / "meta.json").string() + ": needed the data d with the CRC-32C of its tokens 8, found 7: other tokens under the same name");
}
