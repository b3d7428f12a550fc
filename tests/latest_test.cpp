#include <kunmetrics/latest.hpp>

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using kunmetrics::latest;

namespace {
struct many {
  std::array<std::uint64_t, 40> same{};
  char tail = 0;  // a size that is no multiple of a word
};
static_assert(sizeof(many) % 8 == 0 || sizeof(many) > 8);
}  // namespace

TEST_CASE("what was set is got") {
  latest<double> now{1.5};
  CHECK(now.get() == 1.5);
  now.set(-2);
  CHECK(now.get() == -2);
  latest<char> small;
  small.set('x');
  CHECK(small.get() == 'x');
}

TEST_CASE("readers never see half of a write, and see it grow") {
  latest<many> now;
  std::atomic<bool> done{false};
  std::atomic<int> broken{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      std::uint64_t last = 0;
      while (!done.load()) {
        auto const got = now.get();
        for (auto const each : got.same) {
          if (each != got.same[0]) ++broken;
        }
        if (got.tail != static_cast<char>(got.same[0] % 100) || got.same[0] < last) ++broken;
        last = got.same[0];
      }
    });
  }
  for (std::uint64_t i = 1; i <= 200'000; ++i) {
    many value;
    value.same.fill(i);
    value.tail = static_cast<char>(i % 100);
    now.set(value);
  }
  done = true;
  for (auto& reader : readers) reader.join();
  CHECK(broken == 0);
  CHECK(now.get().same[39] == 200'000);
}
