// llama2_zero3: trains a case with ZeRO-3 on the ranks of this machine and reports it as FlagPerf does.
//
// Everything that can be refused is refused before a byte is allocated for training or written: one
// line on stderr and exit 2. A rank that fails ends the run with one line and exit 1.
// Ranks are threads of this process, or the processes that mpirun or torchrun starts; rank 0 alone writes.
#include "command_line.hpp"
#include "process_engine.hpp"
#include "reported_training.hpp"
#include "supervisor.hpp"
#ifdef LLAMA2_ZERO3_C10D
#include "c10d_group.hpp"
#endif
#ifdef LLAMA2_ZERO3_MPI
#include "mpi_world.hpp"
#endif

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <unistd.h>

namespace {
namespace km = kunmetrics;
using namespace trainer;

std::atomic<bool> stop_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch nothing else");
extern "C" void want_stop(int) { stop_wanted = true; }

// How a training's ranks are run, and whether this process reports.
struct thread_engine {
  bool reports() const { return true; }
  training_outcome run(auto& training, rank_limits const& limits) const { return training.run(limits); }
};

int failed(std::exception const& failure, int code) {
  say(failure.what());
  return code;
}

int run_on_threads(options const& o) {
  train(prepared(o, {}), thread_engine{}, stop_wanted);
  return 0;
}

// Joins this rank to the others with `join`, trains, and lets all leave together with `leave`. A failed rank leaves at
// once, its communicator as it is: its end would wait for calls that the others never answer.
template <class Join, class Leave>
int run_on_processes(options const& o, Join const& join, Leave const& leave) {
  using communicator_type = std::invoke_result_t<Join, std::chrono::milliseconds>;
  std::unique_ptr<communicator_type> ranks;
  try {
    ranks.reset(new communicator_type(join(std::chrono::milliseconds{static_cast<std::int64_t>(o.timeout * 1000)})));
    auto const code = train_alike(o, *ranks, stop_wanted);
    leave(*ranks);
    return code;
  } catch (aborted const&) {  // another rank tells why
    end_process(1);
  } catch (std::exception const& failure) {
    end_process(failed(failure, 1));
  }
}

#ifdef LLAMA2_ZERO3_MPI
int run_on_mpi(options const& o) {
  mpi_world world;
  std::signal(SIGUSR1, want_stop);  // what mpirun passes on to the ranks, unlike SIGTERM
  return run_on_processes(
      o, [](std::chrono::milliseconds timeout) { return mpi_communicator{MPI_COMM_WORLD, {.timeout = timeout}}; },
      [&](mpi_communicator&) { world.finish(); });
}
#else
int run_on_mpi(options const&) {
  throw km::input_error{km::detail::needed_found("--engine mpi", "a build that found MPI (libopenmpi-dev or libmpich-dev)",
                                                 "one without")};
}
#endif

#ifdef LLAMA2_ZERO3_C10D
int run_on_c10d(options const& o) {
  require_collectives(o.collectives);
  auto const place = place_from_environment();
  return run_on_processes(o, [&](std::chrono::milliseconds timeout) { return c10d_ranks(place, timeout, o.collectives); },
                          [](c10d_communicator& ranks) { ranks.leave(); });
}
#else
int run_on_c10d(options const&) {
  throw km::input_error{km::detail::needed_found("--engine c10d", "a build that found libtorch and gloo (libtorch-dev, libgloo-dev)",
                                                 "one without")};
}
#endif

int run(options const& o) {
  std::signal(SIGINT, want_stop);
  std::signal(SIGTERM, want_stop);
  // a reader that is gone and a file that may not grow are errors of a write, not ends of the training
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  if (o.engine != "c10d" && o.collectives != "gloo") {
    throw km::input_error{km::detail::needed_found("--collectives", "--engine c10d", o.engine)};
  }
  if (o.engine == "mpi") return run_on_mpi(o);
  if (o.engine == "c10d") return run_on_c10d(o);
  return run_on_threads(o);
}

// The same without letting anything out: for a child process.
int run_alone(options const& o) {
  try {
    return run(o);
  } catch (rank_failure const& failure) {
    return failed(failure, 1);
  } catch (std::exception const& failure) {
    return failed(failure, 2);
  }
}

// Becomes `mpirun -np RANKS` of this program, with the arguments that it has but --restarts and --resume.
int become_mpirun(options const& o, std::vector<std::string> const& all, std::optional<std::filesystem::path> const& resume) {
  char const* const named = std::getenv("LLAMA2_ZERO3_MPIRUN");
  std::vector<std::string> words{named == nullptr ? "mpirun" : named, "-np", std::to_string(*o.ranks), all.front()};
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i] == "--restarts" || all[i] == "--resume") {
      ++i;
    } else if (!all[i].starts_with("--restarts=") && !all[i].starts_with("--resume=")) {
      words.push_back(all[i]);
    }
  }
  if (resume) words.insert(words.end(), {"--resume", resume->string()});
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execvp(pointers.front(), pointers.data());
  std::cerr << "llama2_zero3: --restarts: needed " << words.front() << ", received " << std::strerror(errno) << std::endl;
  return 2;
}

int run_with_restarts(options const& o, std::vector<std::string> const& arguments) {
  bool const processes = o.engine == "mpi";
  if (processes && !o.ranks) throw km::input_error{km::detail::needed_found("--restarts", "--ranks with --engine mpi", "none")};
  // mpirun ends all ranks at a SIGTERM of its own; SIGUSR1 it passes on
  supervised_run const what{o.out, o.resume, o.restarts, processes ? SIGUSR1 : SIGTERM};
  return supervise("llama2_zero3", what, [&](std::optional<std::filesystem::path> const& resume) {
    if (processes) return become_mpirun(o, arguments, resume);
    auto again = o;
    again.resume = resume;
    return run_alone(again);
  });
}

int main_of(options const& o, std::vector<std::string> const& arguments) {
  if (o.export_safetensors) {
    export_hf_llama(checkpoint{*o.resume}, *o.export_safetensors);
    std::cerr << "written: " << o.export_safetensors->string() << "/{model.safetensors,config.json}\n";
    return 0;
  }
  bool const in_mpirun = std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr || std::getenv("PMI_SIZE") != nullptr;
  if (o.restarts == 0) return run(o);
  if (o.engine == "c10d") {
    throw km::input_error{km::detail::needed_found("--restarts", "the threads or mpi engine, as torchrun restarts ranks itself", "c10d")};
  }
  if (o.engine != "mpi" || !in_mpirun) return run_with_restarts(o, arguments);
  throw km::input_error{km::detail::needed_found("--restarts", "a start outside of mpirun, which it starts itself", "one inside")};
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{"Trains a llama2 case with ZeRO-3 and reports tokens/p/s and MFU in FlagPerf's form."};
  add_options(app, o);
  try {
    app.parse(argc, argv);
    return main_of(o, {argv, argv + argc});
  } catch (CLI::CallForHelp const& help) {
    return app.exit(help);
  } catch (rank_failure const& failure) {
    return failed(failure, 1);
  } catch (std::exception const& failure) {
    return failed(failure, 2);
  }
}
