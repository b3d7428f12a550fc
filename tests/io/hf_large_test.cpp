// Files that no configuration is: 100 MB, a million keys, a hundred thousand levels. Each is answered in little
// time and memory: up to 16 MiB are read, of what is larger no more than those.
#include <kunmetrics/io/hf_config.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace kunmetrics;
using trainer_test::message_of;
using trainer_test::scratch_folder;

namespace {
std::string const usable =
    R"({"model_type": "llama", "hidden_size": 64, "intermediate_size": 172, "num_hidden_layers": 2,
  "num_attention_heads": 4, "vocab_size": 1000, "more": )";

// A usable configuration of about so many bytes with something large in it that nobody asks for.
std::string with_string(std::size_t bytes) {
  return usable + '"' + std::string(bytes - usable.size() - 4, 'x') + "\"}";
}
std::string with_list(std::size_t bytes) {
  std::string text = usable + "[0";
  while (text.size() < bytes - 4) text += ",0";
  return text + "]}";
}
std::string with_keys(std::size_t bytes) {
  std::string text = usable + "0";
  for (std::size_t i = 0; text.size() < bytes - 20; ++i) text += ",\"" + std::to_string(i) + "\":0";
  return text + "}";
}

// Seconds that reading took; a bound ten times what it takes on a slow machine, and a hundredth of what any
// quadratic way would.
constexpr double bound = 10;
template <typename Read>
double seconds(Read&& read) {
  auto const start = std::chrono::steady_clock::now();
  read();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
}  // namespace

TEST_CASE("a valid configuration of 100 MB is refused after 16 MiB of it") {
  scratch_folder const folder;
  auto const file = folder.file("config.json", with_string(100'000'000));
  auto const took = seconds([&] {
    CHECK(message_of([&] { hf_config(file); }) == file.string() + ": needed at most 16777216 bytes, found more");
  });
  CHECK(took < bound);
}

TEST_CASE("the largest that is read, whatever is large in it, is read") {
  scratch_folder const folder;
  for (auto const& text : {with_string(largest_json), with_list(largest_json), with_keys(largest_json / 4)}) {
    REQUIRE(text.size() <= largest_json);
    auto const file = folder.file("config.json", text);
    auto const took = seconds([&] { CHECK(parameters(hf_config(file).sizes).total == 227'136); });
    CHECK(took < bound);
  }
}

TEST_CASE("nesting beyond 64 levels is refused at the 65th, not by a full stack") {
  scratch_folder const folder;
  auto const file = folder.file("config.json", usable + std::string(100'000, '[') + std::string(100'000, ']') + "}");
  CHECK(message_of([&] { hf_config(file); }) == file.string() + ": needed at most 64 levels of nesting, found more");
  auto const open = folder.file("open.json", usable + std::string(1'000'000, '['));
  CHECK(message_of([&] { hf_config(open); }) == open.string() + ": needed at most 64 levels of nesting, found more");
}
