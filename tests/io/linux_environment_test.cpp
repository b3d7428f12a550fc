#include <kunmetrics/io/linux_environment.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using trainer_test::scratch_folder;
using namespace std::string_literals;

constexpr std::string_view two_processors =
    "processor\t: 0\n"
    "vendor_id\t: GenuineIntel\n"
    "model name\t: Intel(R) Xeon(R) Platinum 8350C CPU @ 2.60GHz\n"
    "flags\t\t: fpu vme\n"
    "\n"
    "processor\t: 1\n"
    "model name\t: Intel(R) Xeon(R) Platinum 8350C CPU @ 2.60GHz\n";

environment of(scratch_folder const& root) { return linux_environment(root.path()); }
}  // namespace

TEST_CASE("a server with everything stated") {
  scratch_folder const root;
  root.file("sys/class/dmi/id/sys_vendor", "Kunlunxin\n");
  root.file("sys/class/dmi/id/product_name", "R480-X8\n");
  root.file("proc/cpuinfo", two_processors);
  root.file("proc/meminfo", "MemTotal:       1056538624 kB\nMemFree:         1024 kB\n");
  root.file("etc/os-release", "NAME=\"Ubuntu\"\nPRETTY_NAME=\"Ubuntu 20.04.6 LTS\"\n");
  root.file("proc/sys/kernel/osrelease", "5.4.0-26-generic\n");
  auto const found = of(root);
  CHECK(found.machine_model == "Kunlunxin R480-X8");
  CHECK(found.cpu == "Intel(R) Xeon(R) Platinum 8350C CPU @ 2.60GHz, 2 logical CPUs");
  CHECK(found.memory == "1007.59 GiB");
  CHECK(found.os == "Ubuntu 20.04.6 LTS");
  CHECK(found.kernel == "5.4.0-26-generic");
  // What no file states is left to the program.
  CHECK(!found.docker_image);
  CHECK(!found.accelerator);
  CHECK(!found.driver);
  CHECK(!found.network);
  CHECK(!found.framework);
  CHECK(!found.dependencies);
}

TEST_CASE("nothing is guessed where nothing is stated") {
  scratch_folder const empty;
  auto const every_field_is_empty = [](environment const& found) {
    for_each_field(found, [](std::string_view name, environment::text const& text) {
      CAPTURE(std::string{name});
      CHECK(!text);
    });
  };
  every_field_is_empty(of(empty));
  every_field_is_empty(linux_environment(empty / "no_such_folder"));

  scratch_folder const blank;
  for (auto const* name : {"sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/product_name", "proc/cpuinfo", "proc/meminfo",
                           "etc/os-release", "proc/sys/kernel/osrelease", "proc/1/cgroup"}) {
    blank.file(name, " \n\n");
  }
  every_field_is_empty(of(blank));

  scratch_folder const folders;  // where files are awaited
  for (auto const* name : {"proc/cpuinfo", "proc/meminfo", "etc/os-release", "sys/class/dmi/id/product_name"}) {
    std::filesystem::create_directories(folders / name);
  }
  every_field_is_empty(of(folders));
}

TEST_CASE("the machine's model") {
  scratch_folder const root;
  SUBCASE("a maker's placeholder is no name") {
    root.file("sys/class/dmi/id/sys_vendor", "To Be Filled By O.E.M.\n");
    root.file("sys/class/dmi/id/product_name", "System Product Name\n");
    CHECK(!of(root).machine_model);
  }
  SUBCASE("however it is spelled") {
    for (auto const* placeholder : {"TO BE FILLED BY O.E.M.", "default string", "Not Applicable", "Unknown", "N/A"}) {
      root.file("sys/class/dmi/id/product_name", placeholder);
      CHECK(!of(root).machine_model);
    }
  }
  SUBCASE("a placeholder of the vendor leaves the product") {
    root.file("sys/class/dmi/id/sys_vendor", "Default string\n");
    root.file("sys/class/dmi/id/product_name", "R480-X8\n");
    CHECK(of(root).machine_model == "R480-X8");
  }
  SUBCASE("a vendor without a product is not a model") {
    root.file("sys/class/dmi/id/sys_vendor", "Kunlunxin\n");
    CHECK(!of(root).machine_model);
  }
  SUBCASE("a product that names its vendor names it once") {
    root.file("sys/class/dmi/id/sys_vendor", "Google\n");
    root.file("sys/class/dmi/id/product_name", "Google Compute Engine\n");
    CHECK(of(root).machine_model == "Google Compute Engine");
  }
  SUBCASE("a device tree's, which ends in a zero byte") {
    root.file("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0"s);
    CHECK(of(root).machine_model == "Raspberry Pi 5 Model B Rev 1.0");
  }
}

TEST_CASE("the CPU") {
  scratch_folder const root;
  SUBCASE("one processor is singular") {
    root.file("proc/cpuinfo", "processor\t: 0\nmodel name\t: AMD EPYC 7B13\n");
    CHECK(of(root).cpu == "AMD EPYC 7B13, 1 logical CPU");
  }
  SUBCASE("no model name, as on ARM, is no model") {
    root.file("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n");
    CHECK(!of(root).cpu);
  }
}

TEST_CASE("memory, and what a container may use of it") {
  scratch_folder const root;
  root.file("proc/meminfo", "MemTotal:       8388608 kB\n");  // 8 GiB
  CHECK(of(root).memory == "8.00 GiB");
  SUBCASE("a limit of cgroup v2") {
    root.file("sys/fs/cgroup/memory.max", "4294967296\n");
    CHECK(of(root).memory == "8.00 GiB, container limit 4.00 GiB");
  }
  SUBCASE("a limit of cgroup v1") {
    root.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
    CHECK(of(root).memory == "8.00 GiB, container limit 1.00 GiB");
  }
  SUBCASE("no limit: v2 says max, v1 a huge number") {
    root.file("sys/fs/cgroup/memory.max", "max\n");
    CHECK(of(root).memory == "8.00 GiB");
    root.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    CHECK(of(root).memory == "8.00 GiB");
  }
  SUBCASE("a limit as large as the memory is none") {
    root.file("sys/fs/cgroup/memory.max", "8589934592\n");
    CHECK(of(root).memory == "8.00 GiB");
  }
  SUBCASE("a limit that is no size is none") {
    for (auto const* limit : {"-1", "0", "many"}) {
      root.file("sys/fs/cgroup/memory.max", limit);
      CHECK(of(root).memory == "8.00 GiB");
    }
  }
  SUBCASE("a total that is no size is unknown, and does not throw") {
    for (auto const* total : {"unknown kB", "-5 kB", "0 kB", "9223372036854775807 kB", "99999999999999999999 kB"}) {
      root.file("proc/meminfo", "MemTotal: "s + total + "\n");
      CHECK(!of(root).memory);
    }
  }
}

TEST_CASE("the operating system's name, quoted or not, in etc or in usr/lib") {
  scratch_folder const root;
  root.file("usr/lib/os-release", "PRETTY_NAME='Debian GNU/Linux 12 (bookworm)'\n");
  CHECK(of(root).os == "Debian GNU/Linux 12 (bookworm)");
  root.file("etc/os-release", "# PRETTY_NAME=no\nPRETTY_NAME=Alpine\n");
  CHECK(of(root).os == "Alpine");
}

TEST_CASE("a container names its image or is only hinted at") {
  scratch_folder const root;
  SUBCASE("podman names the image") {
    root.file("run/.containerenv", "engine=\"podman-4.3.1\"\nimage=\"docker.io/xpytorch/kunlunxin-deepspeed:v1.0\"\n");
    CHECK(of(root).docker_image == "docker.io/xpytorch/kunlunxin-deepspeed:v1.0");
  }
  SUBCASE("an empty file of podman hints") {
    root.file("run/.containerenv", "");
    CHECK(of(root).docker_image == "in a container (/run/.containerenv), its image is not named inside it");
  }
  SUBCASE("docker leaves an empty file") {
    root.file(".dockerenv", "");
    CHECK(of(root).docker_image == "in a container (/.dockerenv), its image is not named inside it");
  }
  SUBCASE("the control group of the first process hints") {
    root.file("proc/1/cgroup", "12:cpu:/kubepods/burstable/pod1/abc\n0::/\n");
    CHECK(of(root).docker_image == "in a container (/proc/1/cgroup), its image is not named inside it");
  }
  SUBCASE("the host's does not") {
    root.file("proc/1/cgroup", "0::/init.scope\n");
    CHECK(!of(root).docker_image);
  }
}

TEST_CASE("this machine can be read") {
  environment found;
  CHECK_NOTHROW(found = linux_environment());
  REQUIRE(found.kernel);
  CHECK(!found.kernel->empty());
  REQUIRE(found.memory);
  CHECK(found.memory->find(" GiB") != std::string::npos);
  for_each_field(found, [](std::string_view name, environment::text const& text) {
    CAPTURE(std::string{name});
    if (text) CHECK(text->find('\n') == std::string::npos);
    if (text) CHECK(text->find('\0') == std::string::npos);
  });
}
