// Built a second time with -fsanitize=thread, where the compiler has it: seqlock_thread_sanitized.
#include <kunmetrics/seqlock.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

using namespace kunmetrics;

TEST_CASE("what was stored is loaded") {
  struct pair { double a; long b; };
  seqlock<pair> shared;
  CHECK(shared.load().b == 0);
  shared.store({1.5, 7});
  CHECK(shared.load().a == 1.5);
  CHECK(shared.load().b == 7);
}

TEST_CASE("readers see whole values only, and never an older one after a newer") {
  using value = std::array<std::uint64_t, 67>;
  constexpr std::uint64_t stores = 20'000;
  seqlock<value> shared;
  std::atomic<bool> torn = false, older = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      std::uint64_t last = 0;
      while (last < stores) {
        auto const seen = shared.load();
        for (auto const word : seen) torn = torn || word != seen[0];
        older = older || seen[0] < last;
        last = seen[0];
      }
    });
  }
  for (std::uint64_t i = 1; i <= stores; ++i) {
    value all;
    all.fill(i);
    shared.store(all);
    if (i % 64 == 0) std::this_thread::yield();  // a writer that never rests could keep readers waiting
  }
  for (auto& reader : readers) reader.join();
  CHECK(!torn);
  CHECK(!older);
}
