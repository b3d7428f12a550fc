#include "available_memory.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

namespace {
void write(std::filesystem::path const& file, std::string const& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream{file} << text;
}
}  // namespace

TEST_CASE("what the kernel says is available, or the control group's rest if that is less") {
  trainer_test::scratch_folder const root;
  CHECK(!trainer::available_memory(root.path()));
  write(root.path() / "proc/meminfo", "MemTotal:  100 kB\nMemFree:  10 kB\nMemAvailable:    40 kB\nBuffers: 1 kB\n");
  CHECK(trainer::available_memory(root.path()) == 40 * 1024);
  write(root.path() / "sys/fs/cgroup/memory.max", "max\n");
  write(root.path() / "sys/fs/cgroup/memory.current", "10240\n");
  CHECK(trainer::available_memory(root.path()) == 40 * 1024);
  write(root.path() / "sys/fs/cgroup/memory.max", "20480\n");
  CHECK(trainer::available_memory(root.path()) == 10240);
  write(root.path() / "sys/fs/cgroup/memory.current", "30000\n");
  CHECK(trainer::available_memory(root.path()) == 0);
}

TEST_CASE("this machine has memory") { CHECK(trainer::available_memory().value_or(1) > 0); }
