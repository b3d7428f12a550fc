#include <kunmetrics/attention_span.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using enum attention_span;

static_assert(keys_per_query(every, 512) == 512);
static_assert(keys_per_query(half, 512) == 256);
static_assert(keys_per_query(exact, 512) == 256.5);
static_assert(keys_per_query(exact, 64, 128) * 64 == 2080, "a window wider than the sequence is none");
static_assert(keys_per_query(exact, 4096, 1024) * 4096 == 3'670'528);
static_assert(keys_per_query(every, 4096, 1024) == 1024);
static_assert(keys_per_query(half, 4096, 4096) == 2048);
}  // namespace

TEST_CASE("the exact span is the number of pairs that the mask lets through") {
  for (std::int64_t s : {1, 2, 7, 33}) {
    for (std::int64_t w : {0, 1, 2, 5, 33, 100}) {
      std::int64_t pairs = 0;
      for (std::int64_t i = 0; i < s; ++i) {
        for (std::int64_t j = 0; j <= i; ++j) pairs += (w == 0 || i - j < w) ? 1 : 0;
      }
      CAPTURE(s);
      CAPTURE(w);
      CHECK(keys_per_query(exact, s, w) * static_cast<double>(s) == doctest::Approx(static_cast<double>(pairs)));
      CHECK(keys_per_query(half, s, w) <= keys_per_query(exact, s, w));
      CHECK(keys_per_query(exact, s, w) <= keys_per_query(every, s, w));
    }
  }
}

TEST_CASE("no sequence and no negative window") {
  CHECK_THROWS_WITH_AS(keys_per_query(every, 0), "keys_per_query: needed a sequence of at least 1 token, received 0",
                       precondition_error);
  CHECK_THROWS_WITH_AS(keys_per_query(every, 1, -1), "keys_per_query: needed a window of at least 0, received -1",
                       precondition_error);
}
