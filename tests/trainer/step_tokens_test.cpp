#include "step_tokens.hpp"

#include "scratch_folder.hpp"
#include "token_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

using trainer::copy_step_tokens;
using trainer::micro_batches;
using trainer::sampler;
using trainer::token_file;
using trainer_test::message_of;
using trainer_test::scratch_folder;

namespace {

// 50 sequences of 4 tokens and a tail of 3; token i is i, so that a row tells where it came from.
token_file counting_tokens(scratch_folder const& folder) {
  std::vector<std::int32_t> ids(203);
  std::iota(ids.begin(), ids.end(), 0);
  trainer::write_npy(folder / "ids.npy", trainer::npy_type::i8, ids);
  return {folder / "ids.npy", 203};
}

}  // namespace

TEST_CASE("all ranks together train every sequence of the file once an epoch") {
  scratch_folder const folder;
  auto const tokens = counting_tokens(folder);
  sampler const stream{tokens.sequences(4), 1};
  micro_batches const plan{.ranks = 5, .accumulation = 2, .samples = 1};
  std::vector<std::int32_t> firsts;
  for (std::int64_t step = 0; step < 5; ++step) {
    for (std::int64_t rank = 0; rank < 5; ++rank) {
      std::vector<std::int32_t> out(8, -1);
      copy_step_tokens(tokens, stream, plan, step, rank, out);
      for (std::size_t row = 0; row < 8; row += 4) {
        for (std::size_t i = 1; i < 4; ++i)
          CHECK(out[row + i] == out[row] + static_cast<std::int32_t>(i));
        firsts.push_back(out[row]);
      }
    }
  }
  std::ranges::sort(firsts);
  REQUIRE(firsts.size() == 50);
  for (std::size_t i = 0; i < 50; ++i) CHECK(firsts[i] == static_cast<std::int32_t>(4 * i));
}

TEST_CASE("a micro-batch holds the same tokens on whichever rank it falls") {
  scratch_folder const folder;
  auto const tokens = counting_tokens(folder);
  sampler const stream{50, 1};
  std::vector<std::int32_t> one(8 * 3 * 4);
  for (std::int64_t step = 0; step < 7; ++step) {
    copy_step_tokens(tokens, stream, {1, 8, 3}, step, 0, one);
    for (std::int64_t rank = 0; rank < 4; ++rank) {
      std::vector<std::int32_t> part(2 * 3 * 4);
      copy_step_tokens(tokens, stream, {4, 2, 3}, step, rank, part);
      CHECK(std::equal(part.begin(), part.begin() + 12, one.begin() + rank * 12));
      CHECK(std::equal(part.begin() + 12, part.end(), one.begin() + (4 + rank) * 12));
    }
  }
}

TEST_CASE("room and samplers that do not fit the file are refused") {
  scratch_folder const folder;
  auto const tokens = counting_tokens(folder);
  std::vector<std::int32_t> out(24);
  CHECK(message_of([&] { copy_step_tokens(tokens, sampler{50, 1}, {1, 5, 1}, 0, 0, out); }) ==
        "copy_step_tokens: needed room for whole sequences of 5 * 1 samples, received 24 tokens");
  CHECK(message_of([&] { copy_step_tokens(tokens, sampler{50, 1}, {1, 0, 1}, 0, 0, out); }) ==
        "copy_step_tokens: needed room for whole sequences of 0 * 1 samples, received 24 tokens");
  CHECK(message_of([&] { copy_step_tokens(tokens, sampler{51, 1}, {1, 2, 3}, 0, 0, out); }) ==
        "copy_step_tokens: needed a sampler of 50 samples, received 51");
  CHECK(message_of([&] { copy_step_tokens(tokens, sampler{50, 1}, {1, 2, 3}, 0, 1, out); }) ==
        "micro_batches: needed a step, micro-step and rank in range, received 0, 0, 1");
}
