// The folder of a run's checkpoints, and how one of them comes and goes.
//
//   latest                       the name of the newest one, replaced by rename
//   step_00000020/meta.json      written last: with it the folder is whole
//                /rank_00000_of_00008.bin ...
//   step_00000030.tmp/           being written, or what a killed run has left
//
// Commit: shards and meta.json into the .tmp folder, each flushed to the disk; rename the folder; replace
// `latest`; only then remove the oldest. Whatever is killed in between, `latest` names a whole checkpoint. A
// folder that has been committed is never written to again: a step saved anew gets another name.
#pragma once

#include "commit_point.hpp"
#include "file_error.hpp"

#include <kunmetrics/io/json_document.hpp>
#include <kunmetrics/io/whole_file.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace trainer {

inline std::string shard_name(std::int64_t rank, std::int64_t ranks) {
  char text[64];
  std::snprintf(text, sizeof text, "rank_%05lld_of_%05lld.bin", static_cast<long long>(rank), static_cast<long long>(ranks));
  return text;
}

class checkpoint_folder {
 public:
  explicit checkpoint_folder(std::filesystem::path root) : root_{std::move(root)} {}

  std::filesystem::path const& root() const { return root_; }

  std::filesystem::path being_written(std::int64_t step) const { return root_ / (name_of_step(step) + ".tmp"); }

  // Makes an empty folder for a step, and removes what killed runs have left. Throws std::runtime_error.
  void begin(std::int64_t step) const {
    std::error_code error;
    std::filesystem::create_directories(root_, error);
    if (error) throw kunmetrics::input_error{kunmetrics::detail::needed_found(root_.string(), "a folder to write in", error.message())};
    for (auto const& entry : std::filesystem::directory_iterator{root_, error}) {
      auto const name = entry.path().filename().string();
      if (name.starts_with("step_") && name.ends_with(".tmp")) std::filesystem::remove_all(entry.path(), error);
    }
    if (!std::filesystem::create_directory(being_written(step), error)) {
      throw kunmetrics::input_error{
          kunmetrics::detail::needed_found(root_.string(), "a folder to write in", error.message())};
    }
    commit_point("folder made");
  }

  // Makes a folder whose shards are all there a checkpoint, and the latest one; then removes the oldest
  // beyond `keep`. Throws std::runtime_error, with the checkpoints as they were.
  void commit(std::int64_t step, std::string_view meta, std::int64_t keep) const {
    auto const from = being_written(step);
    commit_point("shards complete");
    kunmetrics::write_whole(from / "meta.json", meta);
    commit_point("meta written");
    auto const name = unused_name(step);
    std::error_code error;
    std::filesystem::rename(from, root_ / name, error);
    if (error) throw kunmetrics::input_error{kunmetrics::detail::needed_found(from.string(), "a folder to rename", error.message())};
    kunmetrics::detail::flush_folder(root_);
    commit_point("folder renamed");
    kunmetrics::write_whole(root_ / "latest", name + "\n");
    commit_point("latest moved");
    remove_oldest(keep, name);
    commit_point("old removed");
  }

  // Gives the room of a checkpoint that failed back.
  void abandon(std::int64_t step) const noexcept {
    std::error_code ignored;
    std::filesystem::remove_all(being_written(step), ignored);
  }

  // Names of whole checkpoints, the oldest first.
  std::vector<std::string> committed() const {
    std::vector<std::string> names;
    std::error_code ignored;
    for (auto const& entry : std::filesystem::directory_iterator{root_, ignored}) {
      auto const name = entry.path().filename().string();
      if (named_like_a_step(name) && std::filesystem::exists(entry.path() / "meta.json", ignored)) names.push_back(name);
    }
    std::ranges::sort(names);
    return names;
  }

  // The checkpoint that `path` means: the folder of one itself, or that which `latest` in it names. Throws
  // kunmetrics::input_error.
  static std::filesystem::path resolved(std::filesystem::path const& path) {
    std::error_code ignored;
    if (std::filesystem::exists(path / "meta.json", ignored)) return path;
    auto const refuse = [&](std::string const& where, std::string const& needed, std::string const& found) {
      throw kunmetrics::input_error{kunmetrics::detail::needed_found(where, needed, found)};
    };
    if (!std::filesystem::exists(path / "latest", ignored)) {
      refuse(path.string(), "a folder with latest or meta.json", "neither");
    }
    std::string name;
    std::getline(std::ifstream{path / "latest"}, name);
    if (!named_like_a_step(name)) refuse((path / "latest").string(), "the name of a checkpoint, step_...", in_quotes(name));
    if (!std::filesystem::exists(path / name / "meta.json", ignored)) {
      refuse((path / "latest").string(), "a checkpoint that is there", name + " without a meta.json");
    }
    return path / name;
  }

 private:
  static std::string name_of_step(std::int64_t step) {
    char text[32];
    std::snprintf(text, sizeof text, "step_%08lld", static_cast<long long>(step));
    return text;
  }

  static bool named_like_a_step(std::string_view name) {
    constexpr std::string_view prefix = "step_";
    return name.starts_with(prefix) && name.size() > prefix.size() && name.size() < 64 &&
           std::ranges::all_of(name.substr(prefix.size()), [](char c) { return (c >= '0' && c <= '9') || c == '-'; });
  }

  // step_00000020, else step_00000020-001 and so on, which sorts after it.
  std::string unused_name(std::int64_t step) const {
    auto name = name_of_step(step);
    std::error_code ignored;
    for (int again = 1; std::filesystem::exists(root_ / name, ignored); ++again) {
      char suffix[16];
      std::snprintf(suffix, sizeof suffix, "-%03d", again);
      name = name_of_step(step) + suffix;
    }
    return name;
  }

  // Of those older than `latest` the newest keep - 1 stay. Those after it, left by a run that was taken up
  // again before them, are none of ours to remove. meta.json goes first: half of a checkpoint is none.
  void remove_oldest(std::int64_t keep, std::string const& latest) const {
    auto names = committed();
    names.erase(std::ranges::find(names, latest), names.end());
    auto const most = static_cast<std::size_t>(std::max<std::int64_t>(keep, 1) - 1);
    if (names.size() > most) names.resize(names.size() - most);
    else names.clear();
    std::error_code ignored;
    for (auto const& name : names) {
      std::filesystem::remove(root_ / name / "meta.json", ignored);
      std::filesystem::remove_all(root_ / name, ignored);
    }
  }

  std::filesystem::path root_;
};

}  // namespace trainer
