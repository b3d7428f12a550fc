// Thread ranks leave the bits of one rank: fp32, bf16 and fp16; 1, 2, 3, 4 and 8 ranks; stages 0 to 3.
#include "bitwise_equality.hpp"

#include "sanitizers.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace trainer;
using namespace trainer_test;

TEST_CASE_TEMPLATE("the reference is a training that could differ", Number, float, bfloat16, float16) {
  check_reference<Number>();
}

// The thread sanitizer makes this some fifty times slower: there three ranks stand for all numbers of them.
using worlds = std::vector<int>;
worlds const numbers_of_ranks = trainer_test::thread_sanitized ? worlds{3} : worlds{1, 2, 3, 4, 8};
worlds const ranks_of_schedules = trainer_test::thread_sanitized ? worlds{} : worlds{3, 8};
worlds const delayed_ranks{trainer_test::thread_sanitized ? 2 : 4};

TEST_CASE_TEMPLATE("every number of ranks at every stage", Number, float, bfloat16, float16) {
  for (int world : numbers_of_ranks) check_stages<Number>(world, thread_ranks{});
}

TEST_CASE_TEMPLATE("prefetch and recomputation", Number, float, bfloat16, float16) {
  for (int world : ranks_of_schedules) {
    for (int stage : {3, 2, 1, 0}) check_schedules<Number>(world, stage, thread_ranks{});
  }
}

TEST_CASE_TEMPLATE("random delays before every collective", Number, float, bfloat16, float16) {
  for (int world : delayed_ranks) check_delays<Number>(world, thread_ranks{});
}

TEST_CASE_TEMPLATE("threads of a rank", Number, float, bfloat16, float16) { check_threads<Number>(thread_ranks{}); }

TEST_CASE("numbers of 16 bits give other bits than fp32, and each its own") {
  CHECK_FALSE(same_bits(reference<float>().parameters, reference<bfloat16>().parameters));
  CHECK_FALSE(same_bits(reference<float>().parameters, reference<float16>().parameters));
  CHECK_FALSE(same_bits(reference<bfloat16>().parameters, reference<float16>().parameters));
}
