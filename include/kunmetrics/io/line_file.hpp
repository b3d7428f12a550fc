// A file that only grows, by whole lines, whatever befalls the disk, the reader or the process.
//
//   line_file log{path, {.lines = 100, .every = std::chrono::seconds{1}}, [](auto const& why) { warn(why); }};
//   log.append("{...}\n");
// Lines wait until there are `lines` of them or `every` has passed since the last write, looked at when the next
// one comes and in flush_if_due; then one call writes them. No thread wakes up by itself, and there is no lock:
// a program that may go on without a further line (a pause, a loop that waits) calls flush_if_due as it passes.
// A disk that takes a part of them keeps whole lines: the rest of a cut line is taken back. What was not taken
// is tried again later, up to `longest_wait` bytes, and then the oldest is lost and counted. A program killed in
// mid-line leaves at most one line without its end; opening::continued takes that away. The end of a pipe
// without a reader is a failure like any other where the program ignores SIGPIPE. POSIX only; one thread.
#pragma once

#include <kunmetrics/io/whole_file.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include <sys/stat.h>

namespace kunmetrics {

// With the defaults every line is in the file as soon as it was appended.
struct flush_rule {
  std::size_t lines = 1;
  std::chrono::milliseconds every{1000};
};

enum class opening { fresh, continued };

class line_file {
 public:
  static constexpr std::size_t longest_wait = std::size_t{1} << 20U;  // bytes that a failing disk may owe

  // Called with the first failure, and not again; empty: every failure throws std::runtime_error.
  using failure_handler = std::function<void(std::string const&)>;

  // Throws std::runtime_error naming the path when it cannot be opened for writing.
  explicit line_file(std::filesystem::path path, flush_rule rule = {}, failure_handler on_failure = {},
                     opening how = opening::fresh)
      : path_{std::move(path)}, rule_{rule}, on_failure_{std::move(on_failure)},
        file_{path_, O_CREAT | O_APPEND | (how == opening::fresh ? O_WRONLY | O_TRUNC : O_RDWR)} {
    if (file_.value() < 0) throw detail::write_error(path_, "a file to write", errno);
    struct stat status {};
    regular_ = ::fstat(file_.value(), &status) == 0 && S_ISREG(status.st_mode);
    if (how == opening::continued && regular_) drop_cut_line(status.st_size);
  }
  line_file(line_file const&) = delete;
  line_file& operator=(line_file const&) = delete;
  ~line_file() {
    if (waiting_.empty()) return;
    if (!on_failure_) on_failure_ = [](std::string const&) {};  // a destructor throws nothing
    flush();
  }

  // Adds one line, newline included, by letting `add(std::string&)` put it behind those that wait.
  template <typename Add>
  void append_with(Add&& add) {
    std::forward<Add>(add)(waiting_);
    ++waiting_lines_;
    if (waiting_lines_ >= rule_.lines || overdue()) flush();
  }
  void append(std::string_view line) {
    append_with([&](std::string& out) { out += line; });
  }

  // Flushes when something waits and the last write, or attempt, is `every` ago. Costs one comparison where nothing
  // waits, and a clock read where something does. By the thread that appends. Throws as `flush` does.
  void flush_if_due() {
    if (!waiting_.empty() && clock::now() - last_flush_ >= rule_.every) flush();
  }

  // Hands everything that waits to the system. Throws std::runtime_error when that fails and there is no handler.
  void flush() {
    last_flush_ = clock::now();
    auto const taken = take();
    int const error = errno;
    waiting_.erase(0, taken < waiting_.size() ? whole_lines_of(taken) : taken);
    waiting_lines_ = 0;  // what is left waits for the next rule to be met
    if (waiting_.empty()) return;
    lose_oldest();
    report(error);
  }

  std::filesystem::path const& path() const { return path_; }
  std::int64_t lost() const { return lost_; }  // lines given up

 private:
  using clock = std::chrono::steady_clock;

  bool overdue() const { return rule_.lines > 1 && clock::now() - last_flush_ >= rule_.every; }

  // Bytes that the system took; fewer than there are leave the reason in errno.
  std::size_t take() {
    std::size_t taken = 0;
    while (taken < waiting_.size()) {
      auto const count = ::write(file_.value(), waiting_.data() + taken, waiting_.size() - taken);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) break;
      taken += static_cast<std::size_t>(count);
    }
    return taken;
  }

  // Takes back what was written of a cut line. Where that cannot be, the line will go on where it was cut.
  std::size_t whole_lines_of(std::size_t taken) {
    if (taken == 0) return 0;
    auto const whole = waiting_.rfind('\n', taken - 1) + 1;
    return taken == whole || taken_back(taken - whole) ? whole : taken;
  }

  // Only what this program wrote last may go: another may have added lines behind it.
  bool taken_back(std::size_t bytes) {
    struct stat status {};
    auto const end = ::lseek(file_.value(), 0, SEEK_CUR);
    if (!regular_ || ::fstat(file_.value(), &status) != 0 || status.st_size != end) return false;
    return ::ftruncate(file_.value(), end - static_cast<::off_t>(bytes)) == 0;
  }

  void drop_cut_line(::off_t size) {
    std::array<char, 4096> block{};
    while (size > 0) {
      auto const length = std::min<::off_t>(size, static_cast<::off_t>(block.size()));
      auto const got = ::pread(file_.value(), block.data(), static_cast<std::size_t>(length), size - length);
      if (got != length) return;
      auto const newline = std::string_view{block.data(), static_cast<std::size_t>(length)}.rfind('\n');
      if (newline != std::string_view::npos) {
        size = size - length + static_cast<::off_t>(newline) + 1;
        break;
      }
      size -= length;
    }
    if (::ftruncate(file_.value(), size) != 0) throw detail::write_error(path_, "a file to write", errno);
  }

  void lose_oldest() {
    if (waiting_.size() <= longest_wait) return;
    auto const end = waiting_.find('\n', waiting_.size() - longest_wait);
    auto const size = end == std::string::npos ? waiting_.size() : end + 1;
    lost_ += std::count(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(size), '\n');
    waiting_.erase(0, size);
  }

  void report(int error) {
    auto const failure = detail::write_error(path_, "room for one more line", error);
    if (!on_failure_) {
      lost_ += std::count(waiting_.begin(), waiting_.end(), '\n');
      waiting_.clear();
      throw failure;
    }
    if (!reported_) on_failure_(failure.what());
    reported_ = true;
  }

  std::filesystem::path path_;
  flush_rule rule_;
  failure_handler on_failure_;
  detail::descriptor file_;
  bool regular_ = false;
  bool reported_ = false;
  std::string waiting_;
  std::size_t waiting_lines_ = 0;
  std::int64_t lost_ = 0;
  clock::time_point last_flush_ = clock::now();
};

}  // namespace kunmetrics
