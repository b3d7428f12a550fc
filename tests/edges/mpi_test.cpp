// Run by mpirun with several processes: every rank asserts, and rank 0 compares with what it works out alone.
#define DOCTEST_CONFIG_IMPLEMENT
#include <kunmetrics/mpi.hpp>

#include <doctest/doctest.h>

#include <cstring>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

// The times of any rank, the same wherever they are worked out; the last but one is slow.
rank_times times_of(rank_identity const& who, std::int64_t size) {
  rank_times times{.who = who};
  for (std::size_t i = 0; i < rank_statistics; ++i) times.mean[i] = (1.0 + 0.01 * static_cast<double>(who.rank % 7)) * second;
  if (who.rank == std::max<std::int64_t>(size - 2, 0)) times.mean[own_work] = 3.0 * second;
  return times;
}
}  // namespace

TEST_CASE("the job's summary is on rank 0, and is what merging all ranks gives") {
  mpi_transport const job{MPI_COMM_WORLD};
  auto const me = mpi_identity(MPI_COMM_WORLD);
  CHECK(me.rank == job.rank());
  CHECK(!me.node.text().empty());
  auto const all = rank_summary_of(times_of(me, job.size()), MPI_COMM_WORLD);
  REQUIRE((all != nullptr) == (job.rank() == 0));
  if (!all) return;
  auto alone = std::make_unique<rank_summary>();
  for (std::int64_t rank = 0; rank < job.size(); ++rank) {
    alone->merge(rank_summary{times_of({rank, me.node}, job.size())});  // all on this machine
  }
  CHECK(std::memcmp(all.get(), alone.get(), sizeof *alone) == 0);
  CHECK(all->straggler().who.rank == std::max<std::int64_t>(job.size() - 2, 0));
  CHECK(all->straggler().who.node.text() == me.node.text());
}

TEST_CASE("it can be repeated, one interval after the other, without mixing them up") {
  mpi_transport const job{MPI_COMM_WORLD};
  auto const me = mpi_identity(MPI_COMM_WORLD);
  for (int interval = 1; interval <= 20; ++interval) {
    rank_times mine{.who = me};
    for (auto& mean : mine.mean) mean = interval * second;
    auto const all = rank_summary_of(mine, MPI_COMM_WORLD);
    if (!all) continue;
    CHECK(all->ranks == job.size());
    CHECK(all->step().least.time == interval * second);
    CHECK(all->step().most.time == interval * second);
  }
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int const failed = doctest::Context{argc, argv}.run();
  MPI_Finalize();
  return failed;
}
