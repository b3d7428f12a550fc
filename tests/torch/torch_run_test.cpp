// The real program with libtorch computing: what its report says of libtorch's memory.
#include "program.hpp"
#include "saved_run.hpp"

#include <doctest/doctest.h>

#include <string>

using trainer_test::content;
using trainer_test::on_ranks;
using trainer_test::run_program;
using trainer_test::small_folder;
using trainer_test::with;

namespace {
nlohmann::json memory_of_run(std::string const& backend) {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  auto const result = run_program(folder, LLAMA2_ZERO3_PROGRAM,
                                  with({"--out", "run", "--steps", "4", "--precision", "fp32", "--backend", backend}));
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.find("Memory block") == std::string::npos);  // nothing is freed that was not seen coming
  return nlohmann::json::parse(content(folder / "run/report.json"))["memory"];
}
}  // namespace

TEST_CASE("the report has what libtorch allocated, and why there is nothing where it did not compute") {
  auto const memory = memory_of_run("torch");
  auto const& libtorch = memory["libtorch"];
  CHECK(libtorch["peak"]["unit"] == memory["used"]["unit"]);
  CHECK(libtorch["allocated"]["value"] > 0);  // tables of rotations
  CHECK(libtorch["peak"]["value"] > 10 * libtorch["allocated"]["value"].get<std::int64_t>());
  CHECK(libtorch["reserved"]["value"].is_null());
  CHECK(libtorch["reserved"]["reason"] == "a CPU's allocator keeps nothing in reserve");
  auto const& by_part = memory["by_part"];
  CHECK(libtorch["peak"]["value"] < memory["used"]["value"]);
  CHECK(libtorch["peak"]["value"] < 3 * (by_part["activations"]["value"].get<std::int64_t>() + by_part["scratch"]["value"].get<std::int64_t>()));
  CHECK(memory_of_run("cpu")["libtorch"]["peak"]["reason"] == "libtorch did not compute");
}

TEST_CASE("a card that is not there, or for other operators than libtorch's, is one line and exit 2") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  auto const refusal = [&](std::string const& backend, std::string const& device) {
    auto const result = run_program(folder, LLAMA2_ZERO3_PROGRAM, with({"--out", "run", "--steps", "2", "--precision", "fp32",
                                                                        "--backend", backend, "--device", device}));
    CHECK(result.code == 2);
    return result.err;
  };
  CHECK(refusal("cpu", "cuda") == "llama2_zero3: --device cuda: needed --backend torch, found cpu\n");
  CHECK(refusal("torch", "gpu") == "llama2_zero3: --device: cpu, cuda or cuda:K was needed, received gpu\n");
  auto const absent = refusal("torch", "cuda:99");  // no machine has so many
  CHECK(absent.starts_with("llama2_zero3: --device cuda:99: needed "));
  CHECK(absent.find('\n') == absent.size() - 1);
}
