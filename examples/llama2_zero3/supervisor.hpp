// Runs a training in a process of its own, and again from its latest checkpoint when it fails.
//
// The supervisor itself trains nothing, holds no memory to speak of and starts no thread, so that it outlives what
// kills the training. A training that exits with 0, or with 2 (what it was given cannot be used), is not run
// again, nor is one that was told to stop; one that fails twice at the same step would fail there for ever, and is
// given up. It goes on from a checkpoint that an attempt has written, never from one that lay there before. Where
// the supervisor itself is killed, the training is told to stop.
#pragma once

#include "checkpoint_folder.hpp"
#include "kept_steps.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace trainer {

namespace detail {
inline std::atomic<pid_t> supervised{0};
inline std::atomic<int> supervised_signal{SIGTERM};
inline std::atomic<bool> stop_wanted{false};
static_assert(std::atomic<pid_t>::is_always_lock_free, "a signal handler may touch nothing else");
extern "C" inline void pass_signal_on(int) {
  stop_wanted = true;
  if (auto const child = supervised.load(); child > 0) ::kill(child, supervised_signal.load());
}

// How a process ended, as a shell counts it: its exit code, or 128 and the signal.
inline int ended(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

inline std::string ended_text(int code) {
  return code > 128 ? "signal " + std::to_string(code - 128) : "exit " + std::to_string(code);
}
}  // namespace detail

// The step that a run was at when it ended: the one after the last that its log tells of.
inline std::int64_t step_after_log(std::filesystem::path const& log) {
  std::int64_t last = 0;
  std::ifstream lines{log};
  for (std::string line; std::getline(lines, line);) last = std::max(last, step_of_line(line));
  return last + 1;
}

// Which file `latest` of a run is, as each that is written is another; absent where there is none.
inline std::optional<std::pair<ino_t, std::int64_t>> latest_of(std::filesystem::path const& out) {
  struct stat found {};
  if (::stat((out / "checkpoints/latest").c_str(), &found) != 0) return std::nullopt;
  return std::pair{found.st_ino, found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
}

struct supervised_run {
  std::filesystem::path out;                    // the run's steps.jsonl and checkpoints/
  std::optional<std::filesystem::path> resume;  // what the first attempt goes on from
  std::int64_t restarts = 0;
  int stop_signal = SIGTERM;                    // what tells the run to save and end
};

// `attempt(resume)` runs in a child process, and returns its exit code. Returns the exit code of the whole; what it
// has to say goes to standard error, one line each, after `name`.
inline int supervise(std::string_view name, supervised_run const& run,
                     std::function<int(std::optional<std::filesystem::path> const&)> const& attempt) {
  detail::supervised_signal = run.stop_signal;
  detail::stop_wanted = false;
  auto const lay_there = latest_of(run.out);
  std::signal(SIGTERM, detail::pass_signal_on);
  std::signal(SIGINT, detail::pass_signal_on);
  auto resume = run.resume;
  std::optional<std::int64_t> failed_before;
  auto const say = [&](std::string const& text) { std::fprintf(stderr, "%s: %s\n", std::string{name}.c_str(), text.c_str()); };
  for (std::int64_t restart = 0;; ++restart) {
    std::fflush(nullptr);
    auto const child = ::fork();
    if (child < 0) throw std::system_error{errno, std::generic_category(), "fork"};
    if (child == 0) {
      detail::supervised = 0;
      std::signal(SIGTERM, SIG_DFL);
      std::signal(SIGINT, SIG_DFL);
      ::prctl(PR_SET_PDEATHSIG, run.stop_signal);
      auto const code = attempt(resume);
      std::fflush(nullptr);
      ::_exit(code);
    }
    detail::supervised = child;
    if (detail::stop_wanted) ::kill(child, run.stop_signal);  // it came before there was whom to tell
    auto const code = detail::ended(child);
    detail::supervised = 0;
    if (code == 0 || code == 2) return code;
    if (detail::stop_wanted) {
      say("told to stop, and ended with " + detail::ended_text(code) + " before a checkpoint was whole: not started again");
      return code > 128 ? 1 : code;
    }
    auto const step = step_after_log(run.out / "steps.jsonl");
    auto const what = "step " + std::to_string(step) + " failed (" + detail::ended_text(code) + ")";
    if (failed_before == step) {
      say(what + " twice: given up after " + std::to_string(restart) + (restart == 1 ? " restart" : " restarts"));
      return 1;
    }
    if (restart == run.restarts) {
      if (run.restarts > 0) say(what + ": given up after " + std::to_string(restart) + (restart == 1 ? " restart" : " restarts"));
      return code > 128 ? 1 : code;
    }
    failed_before = step;
    if (auto const latest = latest_of(run.out); latest && latest != lay_there) resume = run.out / "checkpoints";
    say(what + ": restart " + std::to_string(restart + 1) + " of " + std::to_string(run.restarts) + " from " +
        (resume ? resume->string() : "the start"));
  }
}

}  // namespace trainer
