#include <kunmetrics/rank_summary.hpp>
#include <kunmetrics/rank_tree.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <utility>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
// A job whose ranks run one after the other, the last first: each finds what it receives already sent.
struct simulated_network {
  struct message {
    std::vector<std::byte> bytes;
    int sent_in_step = 0;  // of the job: one more than whatever the sender had to wait for
  };
  std::map<std::pair<std::int64_t, std::int64_t>, message> under_way{};  // by (from, to)
  std::int64_t messages = 0, bytes = 0;
  std::size_t most_under_way = 0;
};

class simulated_rank {
 public:
  simulated_rank(simulated_network& network, std::int64_t rank, std::int64_t size)
      : network_{network}, rank_{rank}, size_{size} {}
  std::int64_t rank() const { return rank_; }
  std::int64_t size() const { return size_; }
  void send(std::int64_t to, std::span<std::byte const> bytes) {
    REQUIRE(network_.under_way.count({rank_, to}) == 0);
    network_.under_way[{rank_, to}] = {{bytes.begin(), bytes.end()}, steps_ + 1};
    ++network_.messages;
    network_.bytes += static_cast<std::int64_t>(bytes.size());
    network_.most_under_way = std::max(network_.most_under_way, network_.under_way.size());
  }
  void receive(std::int64_t from, std::span<std::byte> bytes) {
    auto const found = network_.under_way.find({from, rank_});
    REQUIRE(found != network_.under_way.end());
    REQUIRE(found->second.bytes.size() == bytes.size());
    std::ranges::copy(found->second.bytes, bytes.begin());
    // one message at a time
    steps_ = std::max(steps_ + 1, found->second.sent_in_step);
    ++received_;
    network_.under_way.erase(found);
  }
  int steps() const { return steps_; }
  int received() const { return received_; }

 private:
  simulated_network& network_;
  std::int64_t rank_, size_;
  int steps_ = 0, received_ = 0;
};

struct outcome {
  std::unique_ptr<rank_summary> all;
  simulated_network network;
  int steps = 0;
  int most_received = 0;
};

template <typename TimesOf>
outcome simulated(std::int64_t size, TimesOf const& times_of) {
  outcome job;
  auto mine = std::make_unique<rank_summary>();
  for (std::int64_t rank = size - 1; rank >= 0; --rank) {
    simulated_rank transport{job.network, rank, size};
    *mine = rank_summary{times_of(rank)};
    merge_on_first(*mine, transport);
    job.most_received = std::max(job.most_received, transport.received());
    if (rank == 0) job.steps = transport.steps();
  }
  CHECK(job.network.under_way.empty());
  job.all = std::move(mine);
  return job;
}

int log2_rounded_up(std::int64_t n) { return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n) - 1)); }

rank_times noisy(std::int64_t rank) {
  std::mt19937_64 random{static_cast<std::uint64_t>(rank)};
  std::lognormal_distribution<double> draw{0, 0.1};
  rank_times times{.who = {rank, node_name{"node" + std::to_string(rank / 8)}}};
  for (auto& mean : times.mean) mean = draw(random) * second;
  return times;
}
}  // namespace

TEST_CASE("any number of ranks: the tree gives what merging one after the other gives") {
  for (std::int64_t const size : {1, 2, 3, 5, 8, 13, 64, 100}) {
    CAPTURE(size);
    auto const job = simulated(size, noisy);
    auto straight = std::make_unique<rank_summary>();
    for (std::int64_t rank = 0; rank < size; ++rank) straight->merge(rank_summary{noisy(rank)});
    CHECK(std::memcmp(job.all.get(), straight.get(), sizeof *straight) == 0);
    CHECK(job.network.messages == size - 1);
    CHECK(job.steps <= log2_rounded_up(size));
    CHECK(job.most_received <= log2_rounded_up(size));
  }
}

TEST_CASE("65536 ranks: one message each, 16 steps, bounded messages, and the straggler found") {
  constexpr std::int64_t size = 65'536, slow = 40'321;
  auto const times_of = [](std::int64_t rank) {
    auto times = noisy(rank);
    if (rank == slow) times.mean[own_work] = 5.0 * second;
    return times;
  };
  auto const job = simulated(size, times_of);
  CHECK(job.network.messages == size - 1);
  CHECK(job.network.bytes == (size - 1) * static_cast<std::int64_t>(sizeof(rank_summary)));
  CHECK(job.steps == 16);
  CHECK(job.most_received == 16);
  CHECK(sizeof(rank_summary) < 96 * 1024);
  MESSAGE("messages " << job.network.messages << " of " << sizeof(rank_summary) << " B, steps " << job.steps);

  CHECK(job.all->ranks == size);
  CHECK(job.all->straggler().who.rank == slow);
  CHECK(job.all->straggler().who.node.text() == "node5040");
  for (std::size_t i = 0; i < rank_statistics; ++i) {
    std::vector<std::pair<double, std::int64_t>> exact;
    for (std::int64_t rank = 0; rank < size; ++rank) exact.emplace_back(times_of(rank).mean[i].coherent(), rank);
    std::ranges::sort(exact);
    auto const& of = job.all->of[i];
    CHECK(of.least.time.coherent() == exact.front().first);
    CHECK(of.least.who.rank == exact.front().second);
    CHECK(of.most.time.coherent() == exact.back().first);
    CHECK(of.most.who.rank == exact.back().second);
    CHECK(of.median().coherent() == doctest::Approx(exact[size / 2 - 1].first).epsilon(duration_sketch::relative_error));
  }
}
