// Bytes of memory this process can still take: what the kernel calls available, or less where a
// control group sets a lower limit. Linux only; elsewhere the answer is not known.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace trainer {

namespace detail {
inline std::optional<std::int64_t> number_in(std::filesystem::path const& file) {
  std::ifstream stream{file};
  std::int64_t value = 0;
  return stream >> value ? std::optional{value} : std::nullopt;
}
}  // namespace detail

// `root` is the file system to ask, "/" but in tests. Empty when the kernel does not say.
inline std::optional<std::int64_t> available_memory(std::filesystem::path const& root = "/") {
  std::ifstream meminfo{root / "proc/meminfo"};
  std::optional<std::int64_t> available;
  for (std::string key; meminfo >> key;) {
    std::int64_t kibibytes = 0;
    if (key == "MemAvailable:" && meminfo >> kibibytes) available = kibibytes * 1024;
    meminfo.ignore(1 << 12, '\n');
  }
  // Version 2 first, then version 1; "max" is no number, and version 1 without a limit is a huge one.
  struct {
    char const* limit;
    char const* used;
  } constexpr groups[] = {{"sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"},
                          {"sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"}};
  for (auto const& group : groups) {
    auto const limit = detail::number_in(root / group.limit);
    auto const used = detail::number_in(root / group.used);
    if (!limit || !used) continue;
    auto const left = std::max<std::int64_t>(0, *limit - *used);
    available = available ? std::min(*available, left) : left;
  }
  return available;
}

}  // namespace trainer
