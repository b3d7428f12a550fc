// The environment of a Linux machine, read from the files in which the kernel states it.
//
//   machine_model  /sys/class/dmi/id/{sys_vendor,product_name}, else /proc/device-tree/model
//   cpu            /proc/cpuinfo: the model name, and the number of processors listed
//   memory         /proc/meminfo MemTotal, and the container's limit where one is set
//   os             PRETTY_NAME of /etc/os-release, else of /usr/lib/os-release
//   kernel         /proc/sys/kernel/osrelease: the host's, also inside a container
//   docker_image   what /run/.containerenv names; where only hints of a container are found, that
// What is missing, unreadable or a maker's placeholder leaves its field empty. Accelerator, driver,
// network, framework and dependencies are the program's to state.
#pragma once

#include <kunmetrics/environment.hpp>
#include <kunmetrics/io/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>

namespace kunmetrics {

namespace detail {
constexpr std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank{" \t\r\n\0", 5};
  auto const first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// Calls visit(line) for each line; not at all when the file cannot be read.
template <typename Visit>
void for_each_line(std::filesystem::path const& path, Visit&& visit) {
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) visit(std::string_view{line});
}

// The first line that is not blank.
inline environment::text first_line(std::filesystem::path const& path) {
  environment::text found;
  for_each_line(path, [&](std::string_view line) {
    if (!found && !trimmed(line).empty()) found = std::string{trimmed(line)};
  });
  return found;
}

// The value of the first line `key <separator> value`, without quotes around it.
inline environment::text value_of(std::filesystem::path const& path, std::string_view key, char separator) {
  environment::text found;
  for_each_line(path, [&](std::string_view line) {
    auto const at = line.find(separator);
    if (found || at == std::string_view::npos || trimmed(line.substr(0, at)) != key) return;
    auto value = trimmed(line.substr(at + 1));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    if (!value.empty()) found = std::string{value};
  });
  return found;
}

constexpr bool same_letters(std::string_view lhs, std::string_view rhs) {
  auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(lhs, rhs, {}, lower, lower);
}

inline environment::text stated_by_maker(std::filesystem::path const& path) {
  constexpr std::array<std::string_view, 9> placeholders{
      "to be filled by o.e.m.", "default string", "system product name", "system manufacturer", "not specified",
      "not applicable",         "unknown",        "none",                "n/a"};
  auto line = first_line(path);
  if (line && std::ranges::any_of(placeholders, [&](auto p) { return same_letters(p, *line); })) line.reset();
  return line;
}

inline environment::text machine_model(std::filesystem::path const& root) {
  auto const vendor = stated_by_maker(root / "sys/class/dmi/id/sys_vendor");
  auto const product = stated_by_maker(root / "sys/class/dmi/id/product_name");
  if (vendor && product && !product->starts_with(*vendor)) return *vendor + ' ' + *product;
  return product ? product : stated_by_maker(root / "proc/device-tree/model");
}

inline environment::text cpu(std::filesystem::path const& root) {
  auto const path = root / "proc/cpuinfo";
  auto const model = value_of(path, "model name", ':');
  if (!model) return std::nullopt;
  int processors = 0;
  for_each_line(path, [&](std::string_view line) {
    processors += trimmed(line.substr(0, line.find(':'))) == "processor" ? 1 : 0;
  });
  return *model + ", " + std::to_string(processors) + (processors == 1 ? " logical CPU" : " logical CPUs");
}

// A size is positive; a number that fits no size is none.
inline std::optional<std::int64_t> leading_size(environment::text const& text) {
  std::int64_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{}) return std::nullopt;
  return value > 0 ? std::optional{value} : std::nullopt;
}

// A limit at or above the machine's memory is none.
inline environment::text memory(std::filesystem::path const& root) {
  auto const kibibytes = leading_size(value_of(root / "proc/meminfo", "MemTotal", ':'));
  if (!kibibytes || *kibibytes > std::numeric_limits<std::int64_t>::max() / 1024) return std::nullopt;
  auto const total = *kibibytes * units::KiB;
  auto limit = leading_size(first_line(root / "sys/fs/cgroup/memory.max"));
  if (!limit) limit = leading_size(first_line(root / "sys/fs/cgroup/memory/memory.limit_in_bytes"));
  if (!limit || *limit * units::byte >= total) return gibibytes(total);
  return gibibytes(total) + ", container limit " + gibibytes(*limit * units::byte);
}

inline environment::text os(std::filesystem::path const& root) {
  auto const name = value_of(root / "etc/os-release", "PRETTY_NAME", '=');
  return name ? name : value_of(root / "usr/lib/os-release", "PRETTY_NAME", '=');
}

// Why a process is taken to be in a container; empty when nothing says so.
inline std::string_view container_hint(std::filesystem::path const& root) {
  std::error_code ignored;
  if (std::filesystem::exists(root / ".dockerenv", ignored)) return "/.dockerenv";
  if (std::filesystem::exists(root / "run/.containerenv", ignored)) return "/run/.containerenv";
  std::string_view hint;
  for_each_line(root / "proc/1/cgroup", [&](std::string_view line) {
    for (std::string_view runtime : {"docker", "containerd", "kubepods", "libpod", "lxc"}) {
      if (line.find(runtime) != std::string_view::npos) hint = "/proc/1/cgroup";
    }
  });
  return hint;
}

inline environment::text container(std::filesystem::path const& root) {
  if (auto image = value_of(root / "run/.containerenv", "image", '=')) return image;
  auto const hint = container_hint(root);
  if (hint.empty()) return std::nullopt;
  return "in a container (" + std::string{hint} + "), its image is not named inside it";
}
}  // namespace detail

// `root` is the folder that holds etc, proc and sys.
inline environment linux_environment(std::filesystem::path const& root = "/") {
  environment found;
  found.machine_model = detail::machine_model(root);
  found.cpu = detail::cpu(root);
  found.memory = detail::memory(root);
  found.os = detail::os(root);
  found.kernel = detail::first_line(root / "proc/sys/kernel/osrelease");
  found.docker_image = detail::container(root);
  return found;
}

}  // namespace kunmetrics
