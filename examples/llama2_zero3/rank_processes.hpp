// The processes behind the ranks: which of them share this host, and which of those are gone.
//
// A process is looked for in /proc by its id and its start time, which together are unique on a host
// until it is booted again. Of processes on other hosts, or in another space of process ids, nothing can
// be seen; whether they are gone shows by a timeout alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace trainer {

// Plain bytes, so that it can be sent.
struct process_identity {
  std::array<char, 40> boot{};     // of the kernel: tells hosts apart
  std::uint64_t id_space = 0;      // of process ids: tells containers apart
  std::int64_t id = 0;
  std::uint64_t started = 0;       // clock ticks after boot

  static process_identity own() {
    process_identity mine{.id = ::getpid()};
    std::string boot;
    std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, boot);
    std::ranges::copy(std::string_view{boot}.substr(0, mine.boot.size() - 1), mine.boot.begin());
    struct stat space {};
    if (::stat("/proc/self/ns/pid", &space) == 0) mine.id_space = space.st_ino;
    if (auto const now = status_of(mine.id)) mine.started = now->started;
    return mine;
  }

  bool same_host(process_identity const& other) const { return boot == other.boot && id_space == other.id_space; }

  // Whether the process has ended, a zombie included.
  bool gone() const {
    auto const now = status_of(id);
    return !now || now->state == 'Z' || now->state == 'X' || now->started != started;
  }

 private:
  struct status {
    char state;
    std::uint64_t started;
  };
  // Fields 3 and 22 of /proc/ID/stat, counted after the name, which may hold anything; see proc(5).
  static std::optional<status> status_of(std::int64_t id) {
    std::string line;
    if (!std::getline(std::ifstream{"/proc/" + std::to_string(id) + "/stat"}, line)) return std::nullopt;
    auto at = line.rfind(") ");
    if (at == std::string::npos || at + 2 >= line.size()) return std::nullopt;
    status found{.state = line[at + 2], .started = 0};
    ++at;
    for (int field = 3; field < 22; ++field) {
      at = line.find(' ', at + 1);
      if (at == std::string::npos) return std::nullopt;
    }
    for (++at; at < line.size() && line[at] >= '0' && line[at] <= '9'; ++at) {
      found.started = found.started * 10 + static_cast<std::uint64_t>(line[at] - '0');
    }
    return found;
  }
};

class rank_processes {
 public:
  rank_processes(std::vector<process_identity> all, std::size_t own) : all_(std::move(all)), own_(own) {}

  std::size_t size() const { return all_.size(); }

  // Ranks on this host, this one included.
  int local() const { return near_among(all_); }

  // Which of them this one is, from 0, in the order of all ranks.
  int place() const { return near_among(std::span{all_}.first(own_)); }

  bool is_near(std::size_t rank) const { return all_[rank].same_host(all_[own_]); }
  bool is_gone(std::size_t rank) const { return is_near(rank) && all_[rank].gone(); }

  // The first rank of this host whose process has ended.
  std::optional<std::size_t> gone() const {
    for (std::size_t rank = 0; rank < all_.size(); ++rank) {
      if (is_gone(rank)) return rank;
    }
    return std::nullopt;
  }

 private:
  int near_among(std::span<process_identity const> some) const {
    return static_cast<int>(std::ranges::count_if(some, [&](auto const& other) { return other.same_host(all_[own_]); }));
  }

  std::vector<process_identity> all_;
  std::size_t own_;
};

}  // namespace trainer
