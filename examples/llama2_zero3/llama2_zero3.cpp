// llama2_zero3: trains a case with ZeRO-3 on the ranks of this machine and reports it as FlagPerf does.
//
// Everything that can be refused is refused before a byte is allocated for training or written: one
// line on stderr and exit 2. A rank that fails ends the run with one line and exit 1.
// Ranks are threads of this process, or the processes that mpirun starts; rank 0 alone writes.
#include "command_line.hpp"
#include "cpu_processor.hpp"
#ifdef LLAMA2_ZERO3_MPI
#include "mpi_world.hpp"
#endif
#include "report_files.hpp"
#include "run_profile.hpp"
#include "run_tuning.hpp"
#include "supervisor.hpp"
#include "training.hpp"
#include "training_plan.hpp"

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
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {
namespace km = kunmetrics;
using namespace trainer;

std::atomic<bool> stop_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch nothing else");
extern "C" void want_stop(int) { stop_wanted = true; }

// The language of the document printed at the end: that of the user's terminal.
km::language terminal_language() {
  for (char const* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    char const* const value = std::getenv(name);
    if (value != nullptr && *value != '\0') return std::string_view{value}.starts_with("zh") ? km::language::zh : km::language::en;
  }
  return km::language::en;
}

// One line in one write: ranks that are processes share standard error.
void say(std::string const& what) { std::cerr << "llama2_zero3: " + what + '\n' << std::flush; }

int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

// What is trained, once nothing about it can be refused any more.
struct job {
  training_plan plan;
  dataset tokens;
  std::int64_t steps;
  std::int64_t memory;  // bytes available at the start
  rank_limits limits;
  std::optional<checkpoint> from;
  std::optional<hf_llama_weights> initial;
  options const& asked;
};

// How a training's ranks are run, and whether this process reports.
struct thread_engine {
  bool reports() const { return true; }
  training_outcome run(auto& training, rank_limits const& limits) const { return training.run(limits); }
};

// Where the meter goes on: steps and tokens before the checkpoint enter no rate.
km::resume_point resume_point_of(std::optional<checkpoint> const& from) {
  if (!from) return {};
  auto const& meta = from->meta();
  return {.step = meta.progress.steps * km::units::step, .tokens = meta.samples * meta.sequence_length * km::units::token};
}

template <km::recompute Recompute>
void train(job const& what, auto const& engine) {
  auto const& [plan, tokens, steps, memory, limits, from, initial, o] = what;
  // a rank that does not report has no use for a measured peak, and would disturb the measurement
  gemm_peak const peak = engine.reports() ? measured_gemm_peak(std::min(cores(), plan.ranks * plan.threads), plan.what.precision)
                                            : gemm_peak{.flop_per_second = 1, .size = 1, .threads = 1};
  if (engine.reports() && plan.tuning) {
    std::cerr << fc_table(*plan.tuning, peak.flop_per_second / peak.threads * std::min(peak.threads, plan.threads));
  }
  cpu_processor const owner{peak, plan.ranks, memory, plan.what.precision};
  auto const processor = owner.device();
  auto const before = from ? from->meta().progress.steps : 0;
  // a run of two steps still has one to measure; the report says how many were left out
  // records for the charts: all of them up to a hundred thousand
  km::meter_settings const settings{.warm_up = std::min<std::int64_t>(2, steps - before - 1) * km::units::step,
                                    .records_kept = static_cast<std::size_t>(std::min<std::int64_t>(steps, 100'000)),
                                    .resumed = resume_point_of(from)};
  km::meter meter{plan.what.run(processor), settings, km::tokens_per_processor_second, km::mfu<km::flops::palm>,
                  km::mfu<km::flops::causal>, km::mfu<km::flops::flagperf_nominal>,
                  km::hfu<km::flops::palm, Recompute>};
  std::optional<step_outputs<decltype(meter)>> log;
  if (engine.reports()) {
    log.emplace(o, meter, before, steps, reporting_interval(plan));
  }
  training training_run{plan, tokens, steps, meter, log ? &*log : nullptr, stop_wanted,
                        {.folder = o.out / "checkpoints", .every = o.checkpoint_every, .keep = o.keep,
                         .from = from ? &*from : nullptr, .initial = initial ? &*initial : nullptr}};
  std::optional<run_profile> profile;
  if (o.profile && engine.reports()) training_run.profile(profile.emplace(plan, peak).operators());
  auto const outcome = engine.run(training_run, limits);
  if (!engine.reports()) return;

  auto const run = summary_of(meter);
  log->finish(run);
  auto const devices = log->devices();
  auto const document = document_of(plan, tokens, processor, steps, outcome,
                                    o.monitor == "machine" ? std::nullopt : devices);
  auto const chinese = km::flagperf_report(document, run, km::language::zh);
  auto const english = km::flagperf_report(document, run, km::language::en);
  // printed before it is written: the disk may be full
  std::cout << (terminal_language() == km::language::zh ? chinese : english) << std::flush;
  if (log->lost() > 0) std::cerr << "note: steps.jsonl lacks " << log->lost() << " steps that the disk did not take\n";
  auto object = report_json(plan, tokens, document, run, steps, outcome);
  if (devices) object["monitor"] = json_of(*devices);
  auto const& out = o.out;
  km::write_whole(out / "report.md", chinese);
  km::write_whole(out / "report.en.md", english);
  km::write_whole(out / "report.json", km::json_text(object));
  km::write_whole(out / "report.html", km::html_report(plan.what.name, document, run, meter.records(), log->charts()));
  if (profile) profile->tell(plan.what.name, meter.records(), out);
  std::cerr << "written: " << out.string() << "/{report.md,report.en.md,report.json,report.html,steps.jsonl}\n";
}

void make_folder(std::filesystem::path const& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw km::input_error{km::detail::needed_found(folder.string(), "a folder to write in", error.message())};
}

job prepared(options const& o, std::optional<process_ranks> processes) {
  auto what = km::read_case(o.case_path);
  if (o.tokens) what.tokens = *o.tokens;
  auto const available = available_memory();
  auto plan = planned(std::move(what), o, available, cores(), processes);
  tune(plan, o);
  require_memory(plan, available);
  dataset tokens{plan.what.tokens, plan.shape.vocabulary, o.seed};
  require_sequence(plan, tokens);
  auto const steps = o.steps.value_or(default_steps(plan, tokens));
  rank_limits const limits{.timeout = std::chrono::milliseconds{static_cast<std::int64_t>(o.timeout * 1000)},
                           .stuck = [](rank_failure const& failure) {
                             say(failure.what());
                             std::_Exit(1);
                           }};
  std::optional<checkpoint> from;
  if (o.resume) {
    from.emplace(*o.resume);
    require_same_training(*from, meta_of(plan, tokens));
    if (from->meta().progress.steps >= steps) {
      throw km::input_error{km::detail::needed_found("--resume", "a checkpoint of fewer than the " + std::to_string(steps) +
                                                     " steps to train", std::to_string(from->meta().progress.steps))};
    }
  }
  std::optional<hf_llama_weights> initial;
  if (o.import_safetensors) initial.emplace(*o.import_safetensors, plan.shape);
  return {std::move(plan), std::move(tokens), steps, available.value_or(0), limits, std::move(from), std::move(initial), o};
}

void train(job const& what, auto const& engine) {
  if (engine.reports()) {
    make_folder(what.asked.out);
    for (auto const& note : what.plan.notes) std::cerr << "note: " << note.en << '\n';
  }
  if (what.plan.what.recompute == km::recompute::layers) {
    train<km::recompute::layers>(what, engine);
  } else {
    train<km::recompute::none>(what, engine);
  }
}

int failed(std::exception const& failure, int code) {
  say(failure.what());
  return code;
}

int run_on_threads(options const& o) {
  train(prepared(o, {}), thread_engine{});
  return 0;
}

#ifdef LLAMA2_ZERO3_MPI
struct mpi_engine {
  mpi_communicator* ranks;
  bool reports() const { return ranks->rank() == 0; }
  training_outcome run(auto& training, rank_limits const&) const { return training.run_rank(any_communicator{*ranks}); }
};

// All ranks multiply as rank 0 has tuned.
void multiply_alike(training_plan& plan, mpi_communicator& ranks) {
  if (!plan.tuning) return;
  std::vector<fc_plan> all(static_cast<std::size_t>(ranks.size()));
  auto const mine = plan.tuning->plan;
  ranks.all_gather(std::as_bytes(std::span{&mine, 1}), std::as_writable_bytes(std::span{all}));
  plan.tuning->plan = all.front();
  use_tuning(plan, *std::move(plan.tuning));
}

// What all ranks prepare alike, or the refusal that the first of those that refuse has to tell.
std::optional<job> prepared_alike(options const& o, mpi_communicator& ranks) {
  std::optional<job> what;
  std::string refusal;
  try {
    what.emplace(prepared(o, process_ranks{ranks.size(), ranks.local_size()}));
  } catch (std::exception const& failure) {
    refusal = failure.what();
  }
  std::vector<char> refused(static_cast<std::size_t>(ranks.size()));
  char const mine = refusal.empty() ? 0 : 1;
  ranks.all_gather(std::as_bytes(std::span{&mine, 1}), std::as_writable_bytes(std::span{refused}));
  auto const first = std::ranges::find(refused, char{1});
  if (first == refused.end()) {
    multiply_alike(what->plan, ranks);
    return what;
  }
  if (first - refused.begin() == ranks.rank()) say(refusal);
  return std::nullopt;
}

// A failed rank leaves at once: the others hear of it, and MPI_Finalize would wait for them.
int run_on_processes(options const& o) {
  mpi_world world;
  std::signal(SIGUSR1, want_stop);  // what mpirun passes on to the ranks, unlike SIGTERM
  try {
    mpi_communicator ranks{MPI_COMM_WORLD, {.timeout = std::chrono::milliseconds{static_cast<std::int64_t>(o.timeout * 1000)}}};
    auto const what = prepared_alike(o, ranks);
    if (what) run_rank(ranks, [&](mpi_communicator& all) { train(*what, mpi_engine{&all}); });
    world.finish();
    return what ? 0 : 2;
  } catch (aborted const&) {  // another rank tells why
    mpi_world::end(1);
  } catch (std::exception const& failure) {
    mpi_world::end(failed(failure, 1));
  }
}
#else
int run_on_processes(options const&) {
  throw km::input_error{km::detail::needed_found("--engine mpi", "a build that found MPI (libopenmpi-dev or libmpich-dev)",
                                                 "one without")};
}
#endif

int run(options const& o) {
  std::signal(SIGINT, want_stop);
  std::signal(SIGTERM, want_stop);
  // a reader that is gone and a file that may not grow are errors of a write, not ends of the training
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  return o.engine == "mpi" ? run_on_processes(o) : run_on_threads(o);
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
