// Runs of the small case that are saved and taken up again, and what they leave to compare.
#pragma once

#include "checkpoint_folder.hpp"
#include "program.hpp"
#include "small_case.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace trainer_test {

using arguments = std::vector<std::string>;

inline arguments with(arguments const& more) {
  arguments all{"--case", "small.json"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// The bytes of all shards of a checkpoint, and how far it has come.
inline std::string state_of(std::filesystem::path const& checkpoint, int ranks) {
  std::string all = nlohmann::json::parse(content(checkpoint / "meta.json"))["samples"].dump();
  for (int rank = 0; rank < ranks; ++rank) all += content(checkpoint / trainer::shard_name(rank, ranks));
  return all;
}

inline nlohmann::json on_ranks(int ranks, int accumulation) {
  auto changed = small_case();
  changed["processors_per_node"] = ranks;
  changed["gradient_accumulation_steps"] = accumulation;
  changed["deepspeed_config"]["train_batch_size"] = 2 * ranks * accumulation;
  return changed;
}

// The last line that a program said.
inline std::string last_line(std::string const& text) {
  if (text.empty()) return text;
  auto const before_last = text.rfind('\n', text.size() - 2);
  return before_last == std::string::npos ? text : text.substr(before_last + 1);
}

}  // namespace trainer_test
