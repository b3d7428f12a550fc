// Writes the checkpoints of a training beside it: a step waits for a copy of the state, not for the disk.
//
//   save     all ranks copy what they have, and each begins to write its shard
//   poll     once a step while anything is being written: when all shards are on the disk, rank 0 commits
//   finish   waits until it is committed
//
// All are collective. Ranks learn of each other's state by one small all_gather, never through the disk, and a
// rank that cannot write ends the run on all of them: the failing one throws what the disk said, the others
// `aborted`. The checkpoints that were committed before stay as they are.
#pragma once

#include "any_communicator.hpp"
#include "checkpoint_folder.hpp"
#include "checkpoint_meta.hpp"
#include "shard_file.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trainer {

class checkpoint_saver {
 public:
  // Keeps the newest `keep` checkpoints in `root`. `ranks` must outlive the saver.
  checkpoint_saver(std::filesystem::path root, std::int64_t keep, any_communicator& ranks)
      : folder_{std::move(root)},
        keep_{keep},
        ranks_{ranks},
        copy_{static_cast<std::uint32_t>(ranks.rank()), static_cast<std::uint32_t>(ranks.size())} {}

  // A run that ends early leaves no half of a checkpoint behind, as far as it can.
  ~checkpoint_saver() {
    if (work_.valid()) work_.wait();
    if (stage_ != stage::idle && ranks_.rank() == 0) folder_.abandon(meta_.progress.steps);
  }
  checkpoint_saver(checkpoint_saver const&) = delete;
  checkpoint_saver& operator=(checkpoint_saver const&) = delete;

  // Begins to save the engine's state; `meta` lacks the shards, which come to be known. Waits for an earlier
  // save that has not ended.
  template <class Engine>
  void save(Engine const& engine, checkpoint_meta meta) {
    finish();
    meta_ = std::move(meta);
    auto const step = meta_.progress.steps;
    locate(ranks_, step, "checkpoint");
    std::string refusal;
    if (ranks_.rank() == 0) refusal = failure_of([&] { folder_.begin(step); });
    agreed({.state = refusal.empty() ? standing::done : standing::failed, .text = cut(refusal)});
    copy_.begin(static_cast<std::uint64_t>(step));
    for (std::size_t unit = 0; unit < engine.units().size(); ++unit) {
      auto const share = engine.shard(unit);
      copy_.add(static_cast<std::uint64_t>(share.first), share.parameters, share.m, share.v);
    }
    auto const path = folder_.being_written(step) / shard_name(ranks_.rank(), ranks_.size());
    start(stage::writing, [this, path] { return copy_.write(path); });
  }

  bool pending() const { return stage_ != stage::idle; }

  void poll() {
    if (!pending()) return;
    locate(ranks_, meta_.progress.steps, "checkpoint");
    auto const all = agreed(own_report());
    if (all.empty()) return;  // some rank is still at it
    if (stage_ == stage::committing) {
      stage_ = stage::idle;
      return;
    }
    meta_.shards.clear();
    for (auto const& each : all) meta_.shards.push_back({each.bytes, static_cast<std::int64_t>(each.crc)});
    if (ranks_.rank() != 0) {
      stage_ = stage::committing;
      return;
    }
    start(stage::committing, [this, text = meta_text(meta_)] {
      folder_.commit(meta_.progress.steps, text, keep_);
      return shard_copy::written_file{};
    });
  }

  void finish() {
    while (pending()) {
      if (work_.valid()) work_.wait();
      poll();
    }
  }

 private:
  enum class stage { idle, writing, committing };
  enum class standing : std::int32_t { busy, done, failed };
  struct report {
    standing state = standing::busy;
    std::uint32_t crc = 0;
    std::int64_t bytes = 0;
    std::array<char, 400> text{};
  };
  static_assert(std::is_trivially_copyable_v<report>);

  template <class Work>
  void start(stage what, Work&& work) {
    stage_ = what;
    ended_.reset();
    work_ = std::async(std::launch::async, std::forward<Work>(work));
  }

  template <class Work>
  static std::string failure_of(Work&& work) {
    try {
      work();
      return {};
    } catch (std::exception const& failure) {
      return failure.what();
    }
  }

  static std::array<char, 400> cut(std::string_view text) {
    std::array<char, 400> kept{};
    std::ranges::copy(text.substr(0, kept.size() - 1), kept.begin());
    return kept;
  }

  // How this rank's work stands; what it made stays known until the next one is started.
  report own_report() {
    if (!ended_ && work_.valid()) {
      if (work_.wait_for(std::chrono::seconds{0}) != std::future_status::ready) return {};
      report mine{.state = standing::done};
      auto const refusal = failure_of([&] {
        auto const written = work_.get();
        mine.bytes = static_cast<std::int64_t>(written.bytes);
        mine.crc = written.crc;
      });
      if (!refusal.empty()) mine = {.state = standing::failed, .text = cut(refusal)};
      ended_ = mine;
    }
    return ended_.value_or(report{.state = standing::done});
  }

  // Everyone's reports when all are done, none while some are busy. Throws on all ranks when one failed.
  std::vector<report> agreed(report const& mine) {
    std::vector<report> all(static_cast<std::size_t>(ranks_.size()));
    ranks_.all_gather(std::as_bytes(std::span{&mine, 1}), std::as_writable_bytes(std::span{all}));
    auto const failed = std::ranges::find(all, standing::failed, &report::state);
    if (failed != all.end()) {
      auto const rank = failed - all.begin();
      if (rank == ranks_.rank()) throw std::runtime_error{failed->text.data()};
      throw aborted{"rank " + std::to_string(rank) + ": " + failed->text.data()};
    }
    if (std::ranges::find(all, standing::busy, &report::state) != all.end()) all.clear();
    return all;
  }

  checkpoint_folder folder_;
  std::int64_t keep_;
  any_communicator& ranks_;
  shard_copy copy_;
  checkpoint_meta meta_;
  stage stage_ = stage::idle;
  std::optional<report> ended_;
  std::future<shard_copy::written_file> work_;  // last: it uses the rest
};

}  // namespace trainer
