// The single-device program at a tiny size on the CPU: it learns, recomputation changes no bit, refusals are a line.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <string>

#include <sys/wait.h>

namespace {
struct outcome {
  int code = -1;
  std::string text;
};

outcome ran(std::string const& arguments) {
  outcome result;
  FILE* const pipe = ::popen((std::string{ONE_GPU_PROGRAM} + " " + arguments).c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe) != nullptr) result.text += buffer.data();
  result.code = WEXITSTATUS(::pclose(pipe));
  return result;
}
}  // namespace

TEST_CASE("a tiny llama learns; without recomputation its losses have the same digits") {
  std::string const tiny = "--device cpu --tiny 1 --sequence-length 32 --samples 4 --steps 30 --peak 1e12 2>/dev/null ";
  auto const layers = nlohmann::json::parse(ran(tiny + "--recompute layers").text);
  auto const none = nlohmann::json::parse(ran(tiny + "--recompute none").text);
  REQUIRE(layers["loss"].size() == 30);
  CHECK(layers["loss"] == none["loss"]);
  CHECK(layers["loss"].back() < layers["loss"].front());
  CHECK(layers["mfu"]["palm"] > 0);
  CHECK(layers["hfu"]["palm"] > layers["mfu"]["palm"]);
  CHECK(none["hfu"]["palm"] == none["mfu"]["palm"]);
  CHECK(layers["memory"]["peak_bytes"] >= layers["memory"]["allocated_bytes"]);
  CHECK(layers["memory"]["reserved_bytes"].is_null());
  CHECK(layers["memory"]["predicted_bytes"] < none["memory"]["predicted_bytes"]);
}

TEST_CASE("a CPU has no choice of libraries to tune, and says so") {
  auto const told = ran("--device cpu --tiny 1 --sequence-length 8 --steps 1 --blas-tuning on 2>&1 >/dev/null").text;
  CHECK(told.find("note: this libtorch has no choice of libraries on cpu\n") != std::string::npos);
}

TEST_CASE("what cannot be is one line on standard error, and exit 2") {
  auto const refused = [](std::string const& arguments, std::string const& line) {
    auto const result = ran(arguments + " 2>&1 >/dev/null");
    CHECK(result.code == 2);
    CHECK(result.text == "one_gpu: " + line + "\n");
  };
  refused("--steps 0", "--steps: at least 1 needed, received 0");
  refused("--precision fp8 --device cpu", "--precision: bf16 or fp16 needed, received fp8");
  refused("--device cuda:7", "device: needed one of 0 of this kind, received cuda:7");
  refused("--blas-tuning maybe --device cpu", "--blas-tuning: off or on needed, received maybe");
  refused("--colour red", "an option and its value needed, received --colour");
}

TEST_CASE("what the device has no room for is refused with its parts, before anything is allocated") {
  auto const result = ran("--device cpu --samples 100000 --steps 1 2>&1 >/dev/null");
  CHECK(result.code == 2);
  CHECK(result.text.starts_with("one_gpu: memory: needed "));
  CHECK(result.text.find(" GiB (weights 12.55 GiB, master 25.10 GiB, m and v 50.21 GiB, gradients 12.55 GiB, layer inputs ") !=
        std::string::npos);
  CHECK(result.text.ends_with(" GiB on cpu\n"));
  CHECK(result.text.find('\n') == result.text.size() - 1);
}
