// Adds MPI to kunmetrics: a rank's times of a reporting interval become the job's, on rank 0.
//
//   auto const mine = km::times_of_rank(km::mpi_identity(MPI_COMM_WORLD), meter.records() | km::drop_warmup);
//   if (auto all = km::rank_summary_of(mine, MPI_COMM_WORLD)) show(*all);    // on rank 0 alone
//
// One message a rank, of sizeof(rank_summary) (about 80 KiB) however many ranks there are; ceil(log2 N)
// steps. Call it at the interval at which results are shown, not every step. MPI is initialized by the
// program. Target kunmetrics::mpi; tried with Open MPI 4.1.
#pragma once

#include <kunmetrics/rank_summary.hpp>
#include <kunmetrics/rank_tree.hpp>

#include <mpi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

namespace kunmetrics {

namespace detail {
inline void require_mpi(int code, char const* what) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw std::runtime_error{std::string{what} + ": needed success of MPI, received " + text.data()};
}
}  // namespace detail

// Sends and receives within a communicator, under one tag. Throws std::runtime_error with MPI's own text
// where the communicator's error handler returns (MPI's default ends the job instead).
class mpi_transport {
 public:
  explicit mpi_transport(MPI_Comm communicator, int tag = 0x6b6d) : communicator_{communicator}, tag_{tag} {
    detail::require_mpi(MPI_Comm_rank(communicator, &rank_), "MPI_Comm_rank");
    detail::require_mpi(MPI_Comm_size(communicator, &size_), "MPI_Comm_size");
  }

  std::int64_t rank() const { return rank_; }
  std::int64_t size() const { return size_; }
  void send(std::int64_t to, std::span<std::byte const> bytes) {
    detail::require_mpi(MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, static_cast<int>(to), tag_,
                                 communicator_),
                        "MPI_Send");
  }
  void receive(std::int64_t from, std::span<std::byte> bytes) {
    detail::require_mpi(MPI_Recv(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, static_cast<int>(from), tag_,
                                 communicator_, MPI_STATUS_IGNORE),
                        "MPI_Recv");
  }

 private:
  MPI_Comm communicator_;
  int tag_;
  int rank_ = 0;
  int size_ = 1;
};
static_assert(point_to_point<mpi_transport>);

// This process: its rank in the communicator, and its node's name as MPI tells it.
inline rank_identity mpi_identity(MPI_Comm communicator) {
  std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
  int length = 0;
  detail::require_mpi(MPI_Get_processor_name(name.data(), &length), "MPI_Get_processor_name");
  return {mpi_transport{communicator}.rank(), node_name{{name.data(), static_cast<std::size_t>(length)}}};
}

// Called by all ranks of the communicator; rank 0 is given the job's summary, the others nothing.
inline std::unique_ptr<rank_summary> rank_summary_of(rank_times const& mine, MPI_Comm communicator) {
  mpi_transport transport{communicator};
  auto all = std::make_unique<rank_summary>(mine);
  merge_on_first(*all, transport);
  if (transport.rank() != 0) all.reset();
  return all;
}

}  // namespace kunmetrics
