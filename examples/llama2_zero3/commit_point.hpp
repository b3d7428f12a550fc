// The points of a checkpoint's commit at which a test may have the process killed.
//
// A program started with LLAMA2_ZERO3_KILL_AT="meta written:2" sends itself SIGKILL when it comes to that
// point for the second time, as a power cut or kill -9 would. Without the variable a point does nothing.
#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

namespace trainer {

// In the order in which a commit passes them.
inline constexpr std::array<std::string_view, 8> commit_points{
    "folder made",  "shard written",  "shard synced", "shards complete",
    "meta written", "folder renamed", "latest moved", "old removed"};

inline void commit_point(std::string_view name) {
  static char const* const wanted = std::getenv("LLAMA2_ZERO3_KILL_AT");
  if (wanted == nullptr) return;
  std::string_view const text{wanted};
  auto const colon = text.find(':');
  if (text.substr(0, colon) != name) return;
  static std::atomic<int> passed{0};
  auto const when = colon == std::string_view::npos ? 1 : std::atoi(wanted + colon + 1);
  if (++passed == when) std::raise(SIGKILL);
}

}  // namespace trainer
