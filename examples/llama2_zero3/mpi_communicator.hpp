// Ranks that are processes, on one host or several, over MPI.
//
// Plain MPI-3, so that Open MPI and MPICH serve alike. Collectives are non-blocking ones that this rank
// tests until they end, so that while it waits it can hear that another rank gave up, see that a process
// of its own host is gone, and lose patience; where all others then answer, it waits once more. Counts in MPI
// are int: what is larger than `message_bytes` goes in pieces, cut with strided types and not copied.
// A message that says why a run ends (`abort`), or where a rank is (asked for when patience ends), goes
// from rank to rank on a communicator of its own. After that the group is spent; MPI_Finalize would wait
// for ever, so the process must end by _exit (mpi_world::end).
#pragma once

#include "communicator.hpp"
#include "patience.hpp"
#include "rank_processes.hpp"
#include "thread_communicator.hpp"

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace trainer {

struct mpi_limits {
  std::chrono::milliseconds timeout = default_timeout;
  // What one call may move to or from one rank, in bytes; at most what an int holds.
  std::int64_t message_bytes = std::numeric_limits<int>::max();
};

namespace detail {
inline void require_mpi(int code, std::string_view call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw std::runtime_error(std::string{call} + ": " + std::string{text.data(), static_cast<std::size_t>(length)});
}

// A committed MPI type for as long as it lives.
class mpi_type {
 public:
  // `bytes` neighbours, and the next such element `stride` bytes after this one.
  mpi_type(int bytes, std::size_t stride) {
    MPI_Datatype piece = MPI_DATATYPE_NULL;
    require_mpi(MPI_Type_contiguous(bytes, MPI_BYTE, &piece), "MPI_Type_contiguous");
    auto const made = MPI_Type_create_resized(piece, 0, static_cast<MPI_Aint>(stride), &type_);
    MPI_Type_free(&piece);
    require_mpi(made, "MPI_Type_create_resized");
    require_mpi(MPI_Type_commit(&type_), "MPI_Type_commit");
  }
  mpi_type(mpi_type const&) = delete;
  mpi_type& operator=(mpi_type const&) = delete;
  ~mpi_type() { MPI_Type_free(&type_); }
  MPI_Datatype value() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

class mpi_group {  // a communicator of our own, which reports errors
 public:
  explicit mpi_group(MPI_Comm from) {
    require_mpi(MPI_Comm_dup(from, &group_), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(group_, MPI_ERRORS_RETURN);
  }
  mpi_group(mpi_group const&) = delete;
  mpi_group& operator=(mpi_group const&) = delete;
  MPI_Comm value() const { return group_; }  // freed by MPI_Finalize alone: that is the one end all reach

 private:
  MPI_Comm group_ = MPI_COMM_NULL;
};
}  // namespace detail

class mpi_communicator {
 public:
  // Every rank of `world` must construct one. Throws std::invalid_argument for limits out of range.
  explicit mpi_communicator(MPI_Comm world = MPI_COMM_WORLD, mpi_limits const& limits = {})
      : limits_(checked(limits)), data_(world), control_(world), rank_(rank_of(world)), peers_(shown_to_all(world)),
        heard_(peers_.size()) {}

  int rank() const { return rank_; }
  int size() const { return static_cast<int>(peers_.size()); }
  // Ranks on this host.
  int local_size() const { return peers_.local(); }
  int local_rank() const { return peers_.place(); }

  // Throw aborted when another rank gave up, lost_ranks when one is gone or does not come in time, and
  // std::invalid_argument when the parts are not one for each rank.
  void all_gather(std::span<std::byte const> mine, std::span<std::byte> all) {
    begin("all_gather");
    require_parts("all_gather", mine.size(), all.size());
    if (mine.empty()) return barrier();
    pieces(mine.size(), [&](std::size_t first, int bytes) {
      detail::mpi_type const part{bytes, mine.size()};
      await([&](MPI_Request* request) {
        return MPI_Iallgather(mine.data() + first, bytes, MPI_BYTE, all.data() + first, 1, part.value(), data_.value(),
                              request);
      });
    });
  }

  void all_to_all(std::span<std::byte const> send, std::span<std::byte> receive) {
    begin("all_to_all");
    auto const each = send.size() / peers_.size();
    require_parts("all_to_all", each, send.size());
    require_parts("all_to_all", each, receive.size());
    if (send.empty()) return barrier();
    pieces(each, [&](std::size_t first, int bytes) {
      detail::mpi_type const part{bytes, each};
      await([&](MPI_Request* request) {
        return MPI_Ialltoall(send.data() + first, 1, part.value(), receive.data() + first, 1, part.value(),
                             data_.value(), request);
      });
    });
  }

  // Tells all others; does not wait for those that do not listen any more.
  void abort(std::string_view why) noexcept {
    if (over_) return;
    over_ = true;
    tell_all(note{note_kind::reason, position_, why});
  }

  void at(run_position const& position) { position_ = position; }
  run_position const& position() const { return position_; }

 private:
  using clock = std::chrono::steady_clock;
  enum class note_kind : std::int32_t { reason, where_are_you, here };
  struct note {
    note_kind kind{};
    run_position at{};
    std::array<char, 400> text{};
    note() = default;
    note(note_kind what, run_position const& position, std::string_view why) : kind(what), at(position) {
      std::ranges::copy(why.substr(0, text.size() - 1), text.begin());
    }
  };
  static_assert(std::is_trivially_copyable_v<note>);
  static constexpr int note_tag = 7;
  struct sign_of_life {
    note_kind kind{};
    clock::time_point at{};
  };

  static mpi_limits const& checked(mpi_limits const& limits) {
    if (limits.message_bytes >= 1 && limits.message_bytes <= std::numeric_limits<int>::max()) return limits;
    throw std::invalid_argument("mpi_communicator: message_bytes in [1, 2^31) needed, received " +
                                std::to_string(limits.message_bytes));
  }

  static int rank_of(MPI_Comm world) {
    int rank = 0;
    detail::require_mpi(MPI_Comm_rank(world, &rank), "MPI_Comm_rank");
    return rank;
  }

  static rank_processes shown_to_all(MPI_Comm world) {
    int size = 0;
    detail::require_mpi(MPI_Comm_size(world, &size), "MPI_Comm_size");
    auto const mine = process_identity::own();
    std::vector<process_identity> all(static_cast<std::size_t>(size));
    detail::require_mpi(
        MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all.data(), sizeof mine, MPI_BYTE, world), "MPI_Allgather");
    return rank_processes{std::move(all), static_cast<std::size_t>(rank_of(world))};
  }

  void require_parts(std::string_view operation, std::size_t part, std::size_t whole) const {
    if (part * peers_.size() == whole) return;
    throw std::invalid_argument("mpi_communicator: " + std::string{operation} + " of one equal part for each of " +
                                std::to_string(size()) + " ranks needed, received parts of " + std::to_string(part) +
                                " bytes in " + std::to_string(whole));
  }

  static std::size_t index(int rank) { return static_cast<std::size_t>(rank); }

  void begin(std::string_view operation) {
    if (over_) throw aborted{"the group of ranks has ended"};
    operation_ = operation;
  }

  // Cuts a part of `bytes` so that neither a piece nor all ranks' pieces together exceed what MPI counts. All about as
  // large: where parts lie more than 2 GiB apart, MPICH 4.0 puts a last piece of some kilobytes in the wrong place.
  void pieces(std::size_t bytes, auto&& exchange) const {
    auto const most = std::max<std::size_t>(1, static_cast<std::size_t>(limits_.message_bytes) / peers_.size());
    auto const count = (bytes + most - 1) / most, each = (bytes + count - 1) / count;
    for (std::size_t first = 0; first < bytes; first += each) {
      exchange(first, static_cast<int>(std::min(each, bytes - first)));
    }
  }

  void barrier() {
    await([&](MPI_Request* request) { return MPI_Ibarrier(data_.value(), request); });
  }

  // Starts a collective and tests it until it ends, more and more seldom.
  void await(auto&& start) {
    MPI_Request request = MPI_REQUEST_NULL;
    detail::require_mpi(start(&request), operation_);
    auto const ended = [&] {
      int now = 0;
      detail::require_mpi(MPI_Test(&request, &now, MPI_STATUS_IGNORE), operation_);
      return now != 0;
    };
    auto const since = clock::now();
    auto look = since + std::chrono::milliseconds{10};
    patience waiting{limits_.timeout, since};
    for (int tries = 0; !ended(); ++tries) {
      if (tries < 64) continue;
      heed();
      auto const now = clock::now();
      if (now >= look) {
        look = now + std::chrono::milliseconds{20};
        if (auto const gone = peers_.gone()) {
          if (ask(100, ended)) return;
          return give_up("rank " + std::to_string(*gone) + " died", ended);
        }
        if (waiting.ends(now)) {
          if (ask(300, ended)) return;
          auto const missing = ranks_that(size(), [&](int other) { return other != rank_ && !heard_[index(other)]; });
          if (!missing.empty() || !waiting.again(clock::now())) return give_up(waiting.reason(missing), ended);
        }
      }
      rest(now - since);
    }
  }

  static void rest(clock::duration waited) {
    if (waited < std::chrono::milliseconds{2}) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds{waited < std::chrono::milliseconds{50} ? 50 : 500});
    }
  }

  // Reads what others have said: a reason ends this rank, a question is answered.
  void heed() {
    for (;;) {
      int there = 0;
      MPI_Status status{};
      if (MPI_Iprobe(MPI_ANY_SOURCE, note_tag, control_.value(), &there, &status) != MPI_SUCCESS || there == 0) return;
      note received;
      detail::require_mpi(MPI_Recv(&received, sizeof received, MPI_BYTE, status.MPI_SOURCE, note_tag, control_.value(),
                                   MPI_STATUS_IGNORE), "MPI_Recv");
      if (received.kind == note_kind::reason) {
        over_ = true;
        throw aborted{received.text.data()};
      }
      auto& heard = heard_[index(status.MPI_SOURCE)];
      if (!heard || received.kind == note_kind::where_are_you) {  // who asks stays one who asked
        heard = sign_of_life{received.kind, clock::now()};
      }
      if (received.kind == note_kind::where_are_you) tell(status.MPI_SOURCE, note{note_kind::here, position_, operation_});
    }
  }

  // Looks up to so many times, a millisecond apart: of a stall, in which no rank could answer, no more than one look is
  // used up. True as soon as `ended` holds.
  bool listen(int looks, auto&& ended) {
    for (; looks > 0; --looks) {
      heed();
      if (ended()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return heed(), ended();
  }

  // Asks all where they are, and listens. What was answered before counts no more, nor who asked long ago.
  bool ask(int looks, auto&& ended) {
    for (auto& heard : heard_) {
      bool const asks = heard && heard->kind == note_kind::where_are_you;
      if (!asks || clock::now() - heard->at > std::chrono::seconds{1}) heard.reset();
    }
    tell_all(note{note_kind::where_are_you, position_, operation_});
    return listen(looks, ended);
  }

  // Ends the group with one reason, after all were asked, or returns because the call has ended after all. Of ranks that
  // asked, the lowest tells first, so that one line is told, and throws lost_ranks; those that hear it throw aborted.
  void give_up(std::string what, auto&& ended) {
    what += " while " + std::string{operation_} + " waited at " + described(position_);
    auto const lower = std::ranges::count_if(heard_.begin(), heard_.begin() + rank_, [](auto const& heard) {
      return heard && heard->kind == note_kind::where_are_you;
    });
    if (lower > 0 && listen(1000 * static_cast<int>(lower), ended)) return;
    abort(what);
    throw lost_ranks{what};
  }

  // Waits a little until MPI has taken the note, which is far below what it takes at once. Not longer:
  // a rank that heard it may have left already, and mpirun ends the others a second after the first.
  void tell_all(note const& what) noexcept {
    std::vector<MPI_Request> requests;
    for (int other = 0; other < size(); ++other) {
      if (other == rank_ || peers_.is_gone(index(other))) continue;
      requests.push_back(MPI_REQUEST_NULL);
      MPI_Isend(&what, sizeof what, MPI_BYTE, other, note_tag, control_.value(), &requests.back());
    }
    auto const until = clock::now() + std::chrono::milliseconds{100};
    for (int sent = 0; sent == 0 && clock::now() < until; std::this_thread::yield()) {
      if (MPI_Testall(static_cast<int>(requests.size()), requests.data(), &sent, MPI_STATUSES_IGNORE) != MPI_SUCCESS) return;
    }
  }

  void tell(int other, note const& what) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(&what, sizeof what, MPI_BYTE, other, note_tag, control_.value(), &request);
    auto const until = clock::now() + std::chrono::milliseconds{100};
    for (int sent = 0; sent == 0 && clock::now() < until; std::this_thread::yield()) {
      if (MPI_Test(&request, &sent, MPI_STATUS_IGNORE) != MPI_SUCCESS) return;
    }
  }

  mpi_limits limits_;
  detail::mpi_group data_, control_;
  int rank_;
  rank_processes peers_;
  std::vector<std::optional<sign_of_life>> heard_;  // by rank; empty as long as nobody asks
  run_position position_;
  std::string_view operation_ = "a collective";
  bool over_ = false;
};

static_assert(communicator<mpi_communicator>);

}  // namespace trainer
