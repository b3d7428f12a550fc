#include "dataset.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using trainer::dataset;
using trainer_test::message_of;
using trainer_test::scratch_folder;

TEST_CASE("a file is read whole before it is used") {
  scratch_folder const folder;
  auto const path = folder / "tokens.npy";
  trainer::write_npy(path, trainer::npy_type::u2, std::vector<std::int32_t>{0, 1, 2, 3, 0, 1, 2, 3});
  dataset const tokens{path, 4, 0};
  CHECK_FALSE(tokens.synthetic());
  CHECK(tokens.name() == "tokens.npy");
  CHECK(tokens.size() == 8);
  CHECK(tokens.sequences(3) == 2);
  CHECK(tokens.entropy().value() == doctest::Approx(std::log(4.0)));
  CHECK(tokens.note().en == "a file of 8 tokens, unigram entropy 1.386 nat/token");
  std::vector<std::int32_t> second(3);
  tokens.copy_sequence(1, second);
  CHECK(second == std::vector<std::int32_t>{3, 0, 1});
  CHECK(message_of([&] { dataset const small{path, 3, 0}; }) ==
        path.string() + ": offset 134: needed a token id below the vocabulary of 3, received 3 as token 3");
}

TEST_CASE("no file means synthetic tokens, and the note says so") {
  dataset const tokens{std::nullopt, 32000, 1};
  CHECK(tokens.synthetic());
  CHECK(tokens.name() == "synthetic");
  CHECK(tokens.size() == 100'000'000);
  CHECK(tokens.note().en.starts_with("synthetic tokens made from the seed"));
  CHECK(tokens.note().zh.starts_with("合成token"));
}
