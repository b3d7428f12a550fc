// A checkpoint, opened to be taken up by any number of ranks.
//
// Opening reads meta.json and every shard's header, and holds them against each other. A rank then fills
// what it keeps of each unit from the files that have a part of it, and the checksums of those parts are
// checked: shares are ranges of the unit, so one cut is made from another by intersecting ranges.
#pragma once

#include "checkpoint_folder.hpp"
#include "checkpoint_meta.hpp"
#include "master_state.hpp"
#include "shard_file.hpp"
#include "unit.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace trainer {

// Safe to share between threads: nothing changes after construction.
class checkpoint {
 public:
  // Throws kunmetrics::input_error or std::runtime_error, of one line, for a checkpoint that is not whole.
  explicit checkpoint(std::filesystem::path const& path)
      : folder_{checkpoint_folder::resolved(path)},
        meta_{checkpoint_meta_of(kunmetrics::json_document{folder_ / "meta.json"})} {
    auto const units = llama_units(meta_.model);
    std::vector<std::uint64_t> next(units.size());  // where the coming shard's share of a unit begins
    for (std::size_t rank = 0; rank < meta_.shards.size(); ++rank) {
      shards_.emplace_back(folder_ / shard_name(static_cast<std::int64_t>(rank), static_cast<std::int64_t>(meta_.shards.size())));
      require_shard(rank, next);
    }
    for (std::size_t unit = 0; unit < units.size(); ++unit) {
      if (next[unit] != static_cast<std::uint64_t>(units[unit].numel)) {
        refuse(units[unit].name + " of " + std::to_string(units[unit].numel) + " elements", std::to_string(next[unit]));
      }
    }
  }

  std::filesystem::path const& path() const { return folder_; }
  checkpoint_meta const& meta() const { return meta_; }

  // Fills parameters, m and v of a unit from `state.first` on. Throws std::runtime_error where a file is damaged.
  void load(std::size_t unit, unit_state<float> const& state) const {
    load(unit, state_part::parameters, state.first, state.parameters);
    load(unit, state_part::m, state.first, state.m);
    load(unit, state_part::v, state.first, state.v);
  }

  // One part of a unit, elements [first, first + out.size()).
  void load(std::size_t unit, state_part part, std::int64_t first, std::span<float> out) const {
    auto const wanted = static_cast<std::uint64_t>(first);
    for (auto const& shard : shards_) {
      auto const& from = shard.units()[unit];
      auto const begin = std::max(from.first, wanted);
      auto const end = std::min(from.first + from.count, wanted + out.size());
      if (begin >= end) continue;
      auto const data = shard.verified(unit, part).subspan((begin - from.first) * sizeof(float));
      std::memcpy(out.data() + (begin - wanted), data.data(), (end - begin) * sizeof(float));
    }
  }

 private:

  void require_shard(std::size_t rank, std::vector<std::uint64_t>& next) const {
    auto const& shard = shards_.back();
    auto const& stated = meta_.shards[rank];
    if (shard.bytes() != static_cast<std::uint64_t>(stated.bytes) || shard.crc() != static_cast<std::uint32_t>(stated.crc)) {
      throw file_error(shard.path(), 0, "the shard that meta.json tells of", "another one");
    }
    auto const& header = shard.header();
    if (header.rank != rank || header.ranks != meta_.shards.size() ||
        header.step != static_cast<std::uint64_t>(meta_.progress.steps) || header.units != next.size()) {
      throw file_error(shard.path(), 0, "rank " + std::to_string(rank) + " of " + std::to_string(meta_.shards.size()) +
                       " and " + std::to_string(next.size()) + " units at step " + std::to_string(meta_.progress.steps),
                       "rank " + std::to_string(header.rank) + " of " + std::to_string(header.ranks) + " and " +
                           std::to_string(header.units) + " units at step " + std::to_string(header.step));
    }
    for (std::size_t unit = 0; unit < next.size(); ++unit) {
      auto const& part = shard.units()[unit];
      if (part.count > 0 && part.first != next[unit]) {
        throw file_error(shard.path(), 0, "unit " + std::to_string(unit) + " from element " + std::to_string(next[unit]) + " on",
                         std::to_string(part.first));
      }
      next[unit] += part.count;
    }
  }

  [[noreturn]] void refuse(std::string const& needed, std::string const& found) const {
    throw kunmetrics::input_error{kunmetrics::detail::needed_found((folder_ / "meta.json").string(), needed, found)};
  }

  std::filesystem::path folder_;
  checkpoint_meta meta_;
  std::vector<shard_file> shards_;
};

// Throws kunmetrics::input_error when a run of this model, seed and data cannot go on from the checkpoint.
inline void require_same_training(checkpoint const& from, checkpoint_meta const& run) {
  auto const require = [&](bool holds, std::string const& what, std::string const& needed, std::string const& found) {
    if (holds) return;
    throw kunmetrics::input_error{kunmetrics::detail::needed_found((from.path() / "meta.json").string(), what + " " + needed, found)};
  };
  auto const shown = [](std::optional<std::int64_t> crc) { return crc ? std::to_string(*crc) : "none"; };
  auto const& kept = from.meta();
  for (auto const& field : detail::shape_fields) {
    require(kept.model.*field.size == run.model.*field.size, "a model with " + std::string{field.name},
            std::to_string(run.model.*field.size), std::to_string(kept.model.*field.size));
  }
  require(kept.model.rms_epsilon == run.model.rms_epsilon, "a model with rms_epsilon", std::to_string(run.model.rms_epsilon),
          std::to_string(kept.model.rms_epsilon));
  require(kept.model.rope_theta == run.model.rope_theta, "a model with rope_theta", std::to_string(run.model.rope_theta),
          std::to_string(kept.model.rope_theta));
  require(kept.seed == run.seed, "the seed", std::to_string(run.seed), std::to_string(kept.seed));
  require(kept.dataset == run.dataset && kept.dataset_tokens == run.dataset_tokens && kept.sequence_length == run.sequence_length,
          "the data", run.dataset + " of " + std::to_string(run.dataset_tokens) + " tokens in sequences of " +
                          std::to_string(run.sequence_length),
          kept.dataset + " of " + std::to_string(kept.dataset_tokens) + " in sequences of " + std::to_string(kept.sequence_length));
  // a checkpoint without the checksum is older than it
  require(!kept.dataset_crc || kept.dataset_crc == run.dataset_crc, "the data", run.dataset + " with the CRC-32C of its tokens " + shown(run.dataset_crc),
          shown(kept.dataset_crc) + ": other tokens under the same name");
}

}  // namespace trainer
