// Where readings of devices come from: FlagPerf's monitor log, any command, or this machine's own /proc.
//
//   monitor_log("kunlunxin_monitor.log")       its last block; another program appends to it, or did: a log that has not
//                                              grown for a minute says nothing of the present
//   monitor_command("xpu_smi | ...")           run by /bin/sh each time; one line a card, as in that log
//   machine_source()                           memory and CPU time of this process, RAPL's energy, the hottest zone
// A source is a name, as reports state it, and a function that gives one reading a card. The function throws
// std::runtime_error, `what was asked: needed ..., received ...`, when there is nothing to read. Linux only.
#pragma once

#include <kunmetrics/io/device_reading.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kunmetrics {

struct device_source {
  std::string name;
  std::function<std::vector<device_reading>()> read;
};

namespace detail {
// Throws where nothing was written to the file for longer than `freshness`.
inline void require_written_lately(std::filesystem::path const& file, std::chrono::seconds freshness) {
  std::error_code error;
  auto const written = std::filesystem::last_write_time(file, error);
  if (error) return;  // whoever opens it says so
  auto const age = std::chrono::floor<std::chrono::seconds>(std::filesystem::file_time_type::clock::now() - written);
  if (age <= freshness) return;
  throw std::runtime_error{file.string() + ": needed lines of the last " + std::to_string(freshness.count()) +
                           " s, received the last " + std::to_string(age.count()) + " s ago"};
}
}  // namespace detail

inline device_source monitor_log(std::filesystem::path const& file, std::chrono::seconds freshness = std::chrono::seconds{60}) {
  return {"the monitor log " + file.filename().string(), [file, freshness] {
            constexpr std::streamoff tail = 65536;  // of 8 cards' lines FlagPerf writes 200 bytes a time
            std::ifstream stream{file, std::ios::binary | std::ios::ate};
            if (!stream) throw std::runtime_error{file.string() + ": needed a readable monitor log, received none"};
            detail::require_written_lately(file, freshness);
            auto const size = static_cast<std::streamoff>(stream.tellg());
            stream.seekg(std::max<std::streamoff>(0, size - tail));
            std::string text(static_cast<std::size_t>(std::min(size, tail)), '\0');
            stream.read(text.data(), static_cast<std::streamsize>(text.size()));
            text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, stream.gcount())));
            auto readings = last_device_readings(text);
            if (readings.empty())
              throw std::runtime_error{file.string() + ": needed lines as 37C 74W 0MiB 32768MiB 0%, received none"};
            return readings;
          }};
}

namespace detail {
// A shell that runs one command in a process group of its own; ended with all its children when the object goes.
class shell_command {
 public:
  explicit shell_command(std::string const& command) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw std::runtime_error{command + ": needed a pipe, received " + std::strerror(errno)};
    process_ = ::fork();
    if (process_ == 0) {
      ::setpgid(0, 0);
      ::dup2(ends[1], STDOUT_FILENO);
      int const nothing = ::open("/dev/null", O_RDWR);
      ::dup2(nothing, STDIN_FILENO);
      ::dup2(nothing, STDERR_FILENO);
      ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
    if (process_ < 0) {
      ::close(output_);
      throw std::runtime_error{command + ": needed a process, received " + std::strerror(errno)};
    }
    ::setpgid(process_, process_);
  }
  shell_command(shell_command const&) = delete;
  shell_command& operator=(shell_command const&) = delete;
  ~shell_command() {
    ::close(output_);
    if (process_ <= 0) return;
    ::kill(-process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {}
  }

  // Everything that it prints until it ends; empty when that takes longer.
  std::optional<std::string> output_within(std::chrono::milliseconds patience) {
    auto const deadline = std::chrono::steady_clock::now() + patience;
    std::string text;
    for (;;) {
      auto const left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
      ::pollfd ready{output_, POLLIN, 0};
      if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) == 0) return std::nullopt;
      std::array<char, 4096> block;
      auto const got = ::read(output_, block.data(), block.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return text;
      text.append(block.data(), static_cast<std::size_t>(got));
      if (text.size() > (std::size_t{1} << 20U)) return std::nullopt;
    }
  }

 private:
  ::pid_t process_ = -1;
  int output_ = -1;
};
}  // namespace detail

// A command that has not ended after `patience` is killed, with its children.
inline device_source monitor_command(std::string const& command,
                                     std::chrono::milliseconds patience = std::chrono::seconds{10}) {
  return {"the command `" + command + '`', [command, patience] {
            detail::shell_command shell{command};
            auto output = shell.output_within(patience);
            if (!output)
              throw std::runtime_error{command + ": needed an end within " + std::to_string(patience.count()) +
                                       " ms, received none"};
            *output += "\n\n";  // it is whole: the last line ends, and so does the block
            auto readings = last_device_readings(*output);
            if (readings.empty())
              throw std::runtime_error{command + ": needed lines as 37C 74W 0MiB 32768MiB 0%, received none"};
            return readings;
          }};
}

namespace detail {
inline std::string sensor_line(std::filesystem::path const& file) {
  std::ifstream stream{file};
  std::string line;
  std::getline(stream, line);
  return line;
}

// The number behind "VmRSS:" in a file of such lines, in kB as /proc has it.
inline std::optional<count_of<units::byte>> proc_kilobytes(std::filesystem::path const& file, std::string_view key) {
  std::ifstream stream{file};
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ':') continue;
    auto const digits = line.find_first_of("0123456789");
    std::int64_t number = 0;
    if (digits == std::string::npos ||
        std::from_chars(line.data() + digits, line.data() + line.size(), number).ec != std::errc{})
      break;
    return number * units::KiB;
  }
  return std::nullopt;
}

// Joules that the packages' counters say, since the object was made; the counters wrap.
class rapl_energy {
 public:
  explicit rapl_energy(std::filesystem::path const& powercap) {
    std::error_code error;
    for (auto const& entry : std::filesystem::directory_iterator{powercap, error}) {
      auto const name = entry.path().filename().string();
      // intel-rapl:0 is a package; intel-rapl:0:1 is a part of one, counted in it already
      if (!name.starts_with("intel-rapl:") || std::ranges::count(name, ':') != 1) continue;
      if (auto const now = number(entry.path() / "energy_uj")) packages_.push_back({entry.path(), *now});
    }
  }

  std::optional<double> joules() {
    if (packages_.empty()) return std::nullopt;
    for (auto& each : packages_) {
      auto const now = number(each.folder / "energy_uj");
      if (!now) return std::nullopt;  // root took the right to read away
      auto gained = *now - each.last;
      if (gained < 0) gained += number(each.folder / "max_energy_range_uj").value_or(0);
      total_ += std::max(0.0, gained) * 1e-6;
      each.last = *now;
    }
    return total_;
  }

 private:
  struct package {
    std::filesystem::path folder;
    double last;
  };
  static std::optional<double> number(std::filesystem::path const& file) {
    auto const line = sensor_line(file);
    double value = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), value).ec != std::errc{}) return std::nullopt;
    return value;
  }

  std::vector<package> packages_;
  double total_ = 0;
};

// Seconds of CPU that the process has had, from fields 14 and 15 of /proc/self/stat (proc(5)).
inline std::optional<double> process_cpu_seconds(std::filesystem::path const& proc) {
  auto const line = sensor_line(proc / "self" / "stat");
  auto at = line.rfind(')');  // the name before it may hold anything
  if (at == std::string::npos) return std::nullopt;
  for (int field = 2; field < 14 && at != std::string::npos; ++field) at = line.find(' ', at + 1);
  if (at == std::string::npos) return std::nullopt;
  double user = 0, system = 0;
  auto const* const end = line.data() + line.size();
  auto const first = std::from_chars(line.data() + at + 1, end, user);
  if (first.ec != std::errc{} || first.ptr == end || std::from_chars(first.ptr + 1, end, system).ec != std::errc{})
    return std::nullopt;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

inline std::optional<double> hottest_zone(std::filesystem::path const& thermal) {
  std::optional<double> hottest;
  std::error_code error;
  for (auto const& entry : std::filesystem::directory_iterator{thermal, error}) {
    if (!entry.path().filename().string().starts_with("thermal_zone")) continue;
    auto const line = sensor_line(entry.path() / "temp");
    double thousandths = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), thousandths).ec == std::errc{})
      keep_larger(hottest, std::optional{thousandths / 1000});
  }
  return hottest;
}

// Power and utilization are differences between two readings: the first has neither.
class machine_readings {
 public:
  machine_readings(std::filesystem::path proc, std::filesystem::path sys)
      : proc_{std::move(proc)}, thermal_{sys / "class" / "thermal"}, energy_{sys / "class" / "powercap"} {}

  std::vector<device_reading> read() {
    using clock = std::chrono::steady_clock;
    device_reading reading{.memory_used = proc_kilobytes(proc_ / "self" / "status", "VmRSS"),
                           .memory_peak = proc_kilobytes(proc_ / "self" / "status", "VmHWM"),
                           .memory_total = proc_kilobytes(proc_ / "meminfo", "MemTotal"),
                           .temperature_celsius = hottest_zone(thermal_)};
    auto const now = clock::now();
    auto const joules = energy_.joules();
    auto const busy = process_cpu_seconds(proc_);
    auto const elapsed = std::chrono::duration<double>(now - last_).count();
    if (joules && last_joules_ && elapsed > 0) reading.power = (*joules - *last_joules_) / elapsed * units::watt;
    if (busy && last_busy_ && elapsed > 0) {
      auto const cores = static_cast<double>(std::max(1U, std::thread::hardware_concurrency()));
      reading.utilization = std::clamp((*busy - *last_busy_) / elapsed / cores, 0.0, 1.0) * units::one;
    }
    last_ = now;
    last_joules_ = joules;
    last_busy_ = busy;
    return {reading};
  }

 private:
  std::filesystem::path proc_, thermal_;
  rapl_energy energy_;
  std::chrono::steady_clock::time_point last_{};
  std::optional<double> last_joules_, last_busy_;
};
}  // namespace detail

// Of this process on this machine: one reading. What the machine does not say is left out.
inline device_source machine_source(std::filesystem::path const& proc = "/proc",
                                    std::filesystem::path const& sys = "/sys") {
  auto const readings = std::make_shared<detail::machine_readings>(proc, sys);
  return {"this process by /proc, power by RAPL", [readings] { return readings->read(); }};
}

}  // namespace kunmetrics
