// The torch backend against the CPU backend: gradients, losses of a whole training, and world sizes.
#include "torch_backend.hpp"

#include "c10d_group.hpp"
#include "cpu_backend.hpp"
#include "thread_communicator.hpp"
#include "trainer/training_run.hpp"
#include "zero3.hpp"

#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <thread>

using namespace trainer;

namespace {
constexpr llama_shape shape{.layers = 2, .hidden = 24, .heads = 4, .kv_heads = 2, .head_size = 6, .ffn = 40, .vocabulary = 61};
constexpr micro_batch batch{2, 9};

// Every unit's parameters, and what a backend makes of them in one pass.
template <class Backend>
struct one_pass {
  using real = typename Backend::real;
  double loss = 0;
  std::vector<std::vector<real>> gradients;

  explicit one_pass(real stretch) : backend(shape, batch.samples, batch.positions) {
    auto const units = llama_units(shape);
    auto const tokens = tokens_of(1, 0, batch.rows(), shape.vocabulary);
    auto const elements = static_cast<std::size_t>(backend.hidden_elements());
    std::vector<std::vector<real>> weights, inputs;
    for (std::size_t u = 0; u < units.size(); ++u) {
      weights.emplace_back(static_cast<std::size_t>(units[u].numel));
      gradients.emplace_back(weights.back().size());
      initialise<real>(units[u], 3, u, 0, weights.back());
      for (auto& w : weights.back()) w *= stretch;
      inputs.emplace_back(elements);
    }
    std::vector<typename Backend::layer_activations> saved;
    for (std::int64_t i = 0; i < shape.layers; ++i) saved.push_back(backend.make_activations());
    backend.embedding_forward(weights[0], tokens, inputs[0]);
    for (std::size_t l = 0; l < saved.size(); ++l) backend.layer_forward(weights[l + 1], inputs[l], inputs[l + 1], saved[l]);
    std::vector<real> running(elements);
    loss = backend.head_forward_backward(weights.back(), inputs[saved.size()], tokens, running, gradients.back());
    CHECK(backend.head_forward(weights.back(), inputs[saved.size()], tokens) == doctest::Approx(loss).epsilon(1e-6));
    for (auto l = saved.size(); l-- > 0;) backend.layer_backward(weights[l + 1], inputs[l], saved[l], running, gradients[l + 1]);
    backend.embedding_backward(tokens, running, gradients[0]);
  }
  Backend backend;
};

double relative_distance(auto const& a, auto const& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(difference / size);
}

// How ranks are run: body(communicator) for each of `world`.
struct on_threads {
  void operator()(int world, auto const& body) const {
    run_ranks(world, [&](thread_communicator& ranks) { body(ranks); });
  }
};

// Each rank a member of a gloo group, as it would be in a process of its own.
struct over_gloo {
  std::chrono::seconds timeout{60};  // how long the end of a group waits for a call under way

  void operator()(int world, auto const& body) const {
    auto const store = c10::make_intrusive<c10d::HashStore>();
    std::vector<std::thread> threads;
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(world));
    std::vector<std::unique_ptr<c10d_communicator>> all(failures.size());  // until every rank is through
    for (int rank = 0; rank < world; ++rank) {
      threads.emplace_back([&, rank] {
        try {
          auto& ranks = all[static_cast<std::size_t>(rank)];
          ranks = std::make_unique<c10d_communicator>(
              gloo_group(store, rank, world, "127.0.0.1", timeout), store);
          body(*ranks);
        } catch (...) {
          failures[static_cast<std::size_t>(rank)] = std::current_exception();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (auto const& failure : failures) {
      if (failure) std::rethrow_exception(failure);
    }
  }
};

// Losses and whole parameters of a training of `world` ranks, on the same tokens in every step.
template <class Backend, class HowRun = on_threads>
std::pair<std::vector<double>, std::vector<std::vector<float>>> trained(int world, int steps, HowRun const& run = {}) {
  zero3_settings settings{.samples = batch.samples, .sequence_length = batch.positions, .seed = 5};
  settings.gradient_accumulation_steps = 4 / world;
  std::vector<double> losses;
  std::vector<std::vector<float>> parameters(static_cast<std::size_t>(shape.layers) + 2);
  run(world, [&]<class Communicator>(Communicator& ranks) {
    at::set_num_threads(1);
    zero3<Backend, Communicator> engine{shape, settings, ranks};
    for (int step = 0; step < steps; ++step) {
      auto const tokens = tokens_of_rank(0, ranks.rank(), world, settings, shape.vocabulary);
      auto const result = engine.step(tokens, 3e-3, false);
      if (ranks.rank() == 0) losses.push_back(result.loss);
    }
    for (std::size_t unit = 0; unit < parameters.size(); ++unit) {
      auto const mine = engine.shard(unit).parameters;
      auto const cut = engine.unit_cuts()[unit];
      std::vector<float> padded(static_cast<std::size_t>(cut.shard)), all(padded.size() * static_cast<std::size_t>(world));
      std::copy(mine.begin(), mine.end(), padded.begin());
      ranks.all_gather(std::as_bytes(std::span{padded}), std::as_writable_bytes(std::span{all}));
      all.resize(static_cast<std::size_t>(engine.units()[unit].numel));
      if (ranks.rank() == 0) parameters[unit] = all;
    }
  });
  return {losses, parameters};
}
}  // namespace

TEST_CASE("gradients of every tensor agree, in fp64 to its last digits, in fp32 to 1e-5") {
  auto const compare = [](auto const& ours, auto const& torchs, double tolerance) {
    CHECK(torchs.loss == doctest::Approx(ours.loss).epsilon(tolerance));
    auto const units = llama_units(shape);
    for (std::size_t u = 0; u < units.size(); ++u) {
      for (auto const& slot : units[u].tensors) {
        CAPTURE(units[u].name);
        CAPTURE(slot.name);
        auto const part = [&](auto const& all) {
          return std::span{all[u]}.subspan(static_cast<std::size_t>(slot.offset), static_cast<std::size_t>(slot.numel()));
        };
        CHECK(relative_distance(part(torchs.gradients), part(ours.gradients)) < tolerance);
      }
    }
  };
  // weights eight times as large are far from linear, which fp32 can't tell from rounding
  compare(one_pass<cpu_backend<double>>{8}, one_pass<torch_backend<double>>{8}, 1e-12);
  compare(one_pass<cpu_backend<float>>{1}, one_pass<torch_backend<float>>{1}, 1e-5);
}

TEST_CASE("losses of 50 steps agree to 1e-5, and fall") {
  auto const ours = trained<cpu_backend<float>>(1, 50).first;
  auto const torchs = trained<torch_backend<float>>(1, 50).first;
  REQUIRE(torchs.size() == 50);
  for (std::size_t i = 0; i < torchs.size(); ++i) CHECK(torchs[i] == doctest::Approx(ours[i]).epsilon(1e-5));
  CHECK(torchs.back() < torchs.front() - 1);
}

TEST_CASE("two and four ranks have the bits of one") {
  auto const one = trained<torch_backend<float>>(1, 10);
  for (int const world : {2, 4}) {
    auto const several = trained<torch_backend<float>>(world, 10);
    CHECK(several.first == one.first);
    CHECK(several.second == one.second);
    auto const gloo = trained<torch_backend<float>>(world, 10, over_gloo{});
    CHECK(gloo.first == one.first);
    CHECK(gloo.second == one.second);
  }
}

// Takes 18 GB: tests/large_messages.sh runs it.
TEST_CASE("collectives of more than 2 GiB arrive over gloo" * doctest::skip()) {
  constexpr std::size_t part = (std::size_t{1} << 30U) + 4096, world = 2;
  auto const said = [](int from, std::size_t to, std::size_t at) { return static_cast<std::byte>(at * 7 + (at >> 20U) + static_cast<std::size_t>(from) * 31 + to * 5); };
  std::atomic<std::size_t> wrong = 0;
  over_gloo{std::chrono::seconds{300}}(world, [&](c10d_communicator& ranks) {
    std::vector<std::byte> sent(part * world), received(part * world);
    for (std::size_t to = 0; to < world; ++to) {
      for (std::size_t at = 0; at < part; ++at) sent[to * part + at] = said(ranks.rank(), to, at);
    }
    auto const check = [&](auto const& addressed_to) {
      for (int from = 0; from < static_cast<int>(world); ++from) {
        auto const of = std::span{received}.subspan(static_cast<std::size_t>(from) * part, part);
        for (std::size_t at = 0; at < part; ++at) wrong += of[at] != said(from, addressed_to(from), at);
      }
    };
    ranks.all_gather(std::span{sent}.first(part), received);
    check([](int) { return std::size_t{0}; });
    ranks.all_to_all(sent, received);
    check([&](int) { return static_cast<std::size_t>(ranks.rank()); });
  });
  CHECK(wrong == 0);
}

TEST_CASE("over gloo the cpu backend has the bits of threads too, and who gives up is heard by all") {
  CHECK(trained<cpu_backend<float>>(2, 5, over_gloo{}) == trained<cpu_backend<float>>(1, 5));
  std::array<std::string, 2> heard;
  over_gloo{std::chrono::seconds{2}}(3, [&](c10d_communicator& ranks) {
    if (ranks.rank() == 2) return ranks.abort("rank 2: it had enough");
    std::array<std::byte, 3> all{};
    try {
      ranks.all_gather(std::span{all}.first(1), all);
    } catch (aborted const& why) {
      heard.at(static_cast<std::size_t>(ranks.rank())) = why.what();
    }
  });
  for (auto const& each : heard) CHECK(each == "aborted: rank 2: it had enough");
}

TEST_CASE("a rank that answers is waited for once more, and goes on when it comes") {
  constexpr std::chrono::seconds patience{3};
  for (bool const comes : {true, false}) {
    CAPTURE(comes);
    auto const store = c10::make_intrusive<c10d::HashStore>();
    auto const group = [&](int rank) { return gloo_group(store, rank, 2, "127.0.0.1", std::chrono::seconds{60}); };
    std::optional<c10d_communicator> first;  // ends last: what it gave up is under way until the other has gone
    std::atomic<bool> over = false;
    std::jthread const late{[&] {
      c10d_communicator ranks{group(1), store, std::chrono::seconds{60}};
      for (std::int64_t last = 0; !over && !(comes && last > 0);) {  // says that it is there, and does not come
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
        auto const asked = store->add("trainer/where_are_you", 0);
        if (asked == last) continue;
        auto const text = std::to_string(last = asked);
        store->set("trainer/here/1", {text.begin(), text.end()});
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{600});  // longer than its answer is waited for
      if (comes) CHECK_NOTHROW(trainer::barrier(ranks));
      while (!over) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }};
    struct at_end {
      std::atomic<bool>& over;
      ~at_end() { over = true; }
    } const ends{over};
    first.emplace(group(0), store, patience);
    auto const since = std::chrono::steady_clock::now();
    if (comes) {
      CHECK_NOTHROW(trainer::barrier(*first));
      CHECK(store->add("trainer/where_are_you", 0) > 0);
    } else {
      CHECK_THROWS_WITH_AS(trainer::barrier(*first), doctest::Contains("all ranks answer and yet nothing moved for 6 s"),
                           trainer::lost_ranks);
      CHECK(std::chrono::steady_clock::now() - since >= 2 * patience);
    }
  }
}

TEST_CASE("a call that was given up does not write to its caller's memory when the others come late") {
  auto const store = c10::make_intrusive<c10d::HashStore>();
  std::array<std::byte, 64> received{};
  std::atomic<bool> joined = false, gave_up = false;
  std::thread first{[&] {
    c10d_communicator ranks{gloo_group(store, 0, 2, "127.0.0.1", std::chrono::seconds{20}), store};
    joined = true;
    joined.notify_one();
    std::array<std::byte, 64> const sent{};
    CHECK_THROWS_AS(ranks.all_to_all(sent, received), aborted);
    gave_up = true;
    gave_up.notify_one();
  }};
  {
    auto const group = gloo_group(store, 1, 2, "127.0.0.1", std::chrono::seconds{20});
    c10d_communicator ranks{group, store};
    joined.wait(false);
    ranks.abort("rank 1: it comes late");
    gave_up.wait(false);
    auto sent = at::ones({64}, at::kByte), also_received = at::empty({64}, at::kByte);
    std::vector<std::int64_t> equal{};
    group->alltoall_base(also_received, sent, equal, equal)->wait();
    CHECK(also_received.sum().item<int>() == 32);  // its own half: the other, whose call went on, had sent zeros
    first.join();
  }
  CHECK(std::ranges::all_of(received, [](std::byte each) { return each == std::byte{}; }));
}

TEST_CASE("wrong uses say what was needed") {
  CHECK_THROWS_WITH((torch_backend<float>{shape, 2, 9, at::Device{at::kCUDA, 99}}), doctest::Contains("received cuda:99"));
  torch_backend<float> backend{shape, batch.samples, batch.positions};
  auto saved = backend.make_activations();
  std::vector<float> none;
  CHECK_THROWS_WITH(backend.layer_backward(none, none, saved, none, none), doctest::Contains("layer_forward before it"));
  std::vector<std::int32_t> const tokens(static_cast<std::size_t>(batch.rows()), 61);
  std::vector<float> table(static_cast<std::size_t>(61 * 24)), y(static_cast<std::size_t>(backend.hidden_elements()));
  CHECK_THROWS_WITH(backend.embedding_forward(table, tokens, y), doctest::Contains("tokens below 61 needed, received 61"));
}
