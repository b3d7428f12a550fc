// What --device may name, which card a rank has of it, and what a host with too few is told.
#include "compute_device.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using trainer::compute_device;
using trainer::compute_device_of;
using trainer::require_cards;
using trainer_test::message_of;

static_assert(compute_device{} == compute_device{.on_card = false});
static_assert(!compute_device{}.card_of(3));
static_assert(compute_device{.on_card = true}.card_of(3) == 3);
static_assert(compute_device{.on_card = true, .named = 5}.card_of(0) == 5);

TEST_CASE("a device is read whole or not at all, and described as it was named") {
  for (std::string const text : {"cpu", "cuda", "cuda:0", "cuda:17"}) {
    auto const device = compute_device_of(text);
    REQUIRE(device);
    CHECK(described(*device) == text);
  }
  for (char const* const text : {"", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:1x", "cuda: 1", "cuda:99999999999", "cpu:0", "cuda0"}) {
    CAPTURE(text);
    CHECK_FALSE(compute_device_of(text));
  }
}

TEST_CASE("every rank of a host has a card of its own, or the run is refused") {
  auto const refusal = [](std::string const& device, std::int64_t ranks, int cards) {
    return message_of([&] { require_cards(*compute_device_of(device), ranks, cards); });
  };
  CHECK_NOTHROW(require_cards({}, 64, 0));
  CHECK_NOTHROW(require_cards({.on_card = true}, 8, 8));
  CHECK_NOTHROW(require_cards({.on_card = true, .named = 7}, 1, 8));
  CHECK(refusal("cuda", 1, 0) == "--device cuda: needed a card that libtorch finds, and a libtorch with CUDA, found none");
  CHECK(refusal("cuda", 8, 4) == "--device cuda: needed a card for each of the 8 ranks on this host, found 4");
  CHECK(refusal("cuda:4", 1, 4) == "--device cuda:4: needed one of cuda:0 to cuda:3, found cuda:4");
  CHECK(refusal("cuda:1", 2, 4) == "--device cuda:1: needed a card for each of the 2 ranks on this host, found 1");
}
