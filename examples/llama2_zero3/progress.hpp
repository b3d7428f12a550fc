// The line that a running job shows: rewritten in place on a terminal, now and then a line elsewhere.
#pragma once

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include <sys/ioctl.h>
#include <unistd.h>

namespace trainer {

class progress {
 public:
  // `every`: steps between two lines where standard error is no terminal.
  explicit progress(std::int64_t every) : every_{every}, terminal_{::isatty(STDERR_FILENO) == 1} {}
  progress(progress const&) = delete;
  progress& operator=(progress const&) = delete;
  ~progress() {
    if (terminal_ && shown_) std::fputc('\n', stderr);
  }

  // Whether step `step` of `total` should be shown: always the first and the last.
  bool due(std::int64_t step, std::int64_t total) {
    if (step == 1 || step == total) return true;
    if (!terminal_) return step % every_ == 0;
    auto const now = clock::now();
    if (now - last_ < std::chrono::milliseconds{200}) return false;
    last_ = now;
    return true;
  }

  // The terminal's, 80 where it does not say; empty where standard error is none.
  std::optional<std::size_t> columns() const {
    if (!terminal_) return std::nullopt;
    ::winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : std::size_t{80};
  }

  void show(std::string const& line) {
    shown_ = true;
    if (terminal_) {
      std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
    } else {
      std::fprintf(stderr, "%s\n", line.c_str());
    }
    std::fflush(stderr);
  }

 private:
  using clock = std::chrono::steady_clock;
  std::int64_t every_;
  bool terminal_;
  bool shown_ = false;
  clock::time_point last_{};
};

}  // namespace trainer
