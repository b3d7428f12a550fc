// llama2_zero3: trains a case with ZeRO-3 on the ranks of this machine and reports it as FlagPerf does.
//
// Everything that can be refused is refused before a byte is allocated for training or written: one
// line on stderr and exit 2. A rank that fails ends the run with one line and exit 1.
#include "command_line.hpp"
#include "cpu_processor.hpp"
#include "report_files.hpp"
#include "training.hpp"
#include "training_plan.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string_view>
#include <thread>

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

template <km::recompute Recompute>
void train(training_plan const& plan, dataset const& tokens, std::int64_t steps, km::device const& processor,
           options const& o) {
  // a run of two steps still has one to measure; the report says how many were left out
  // records for the charts: all of them up to a hundred thousand
  km::meter_settings const settings{.warm_up = std::min<std::int64_t>(2, steps - 1) * km::units::step,
                                    .records_kept = static_cast<std::size_t>(std::min<std::int64_t>(steps, 100'000))};
  km::meter meter{plan.what.run(processor), settings, km::tokens_per_processor_second, km::mfu<km::flops::palm>,
                  km::mfu<km::flops::causal>, km::mfu<km::flops::flagperf_nominal>,
                  km::hfu<km::flops::palm, Recompute>};
  step_outputs log{o, meter, steps, plan.what.deepspeed ? plan.what.deepspeed->steps_per_print : 10};
  auto const outcome = training{plan, tokens, steps, meter, log, stop_wanted}.run();

  auto const run = summary_of(meter);
  log.finish(run);
  auto const devices = log.devices();
  auto const document = document_of(plan, tokens, processor, steps, outcome,
                                    o.monitor == "machine" ? std::nullopt : devices);
  auto const chinese = km::flagperf_report(document, run, km::language::zh);
  auto const english = km::flagperf_report(document, run, km::language::en);
  // printed before it is written: the disk may be full
  std::cout << (terminal_language() == km::language::zh ? chinese : english) << std::flush;
  if (log.lost() > 0) std::cerr << "note: steps.jsonl lacks " << log.lost() << " steps that the disk did not take\n";
  auto object = report_json(plan, tokens, document, run, steps, outcome);
  if (devices) object["monitor"] = json_of(*devices);
  auto const& out = o.out;
  km::write_whole(out / "report.md", chinese);
  km::write_whole(out / "report.en.md", english);
  km::write_whole(out / "report.json", km::json_text(object));
  km::write_whole(out / "report.html", km::html_report(plan.what.name, document, run, meter.records(), log.charts()));
  std::cerr << "written: " << out.string() << "/{report.md,report.en.md,report.json,report.html,steps.jsonl}\n";
}

int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

void make_folder(std::filesystem::path const& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw km::input_error{km::detail::needed_found(folder.string(), "a folder to write in", error.message())};
}

void run(options const& o) {
  std::signal(SIGINT, want_stop);
  std::signal(SIGTERM, want_stop);
  // a reader that is gone and a file that may not grow are errors of a write, not ends of the training
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  auto what = km::read_case(o.case_path);
  if (o.tokens) what.tokens = *o.tokens;
  auto const available = available_memory();
  auto const plan = planned(std::move(what), o, available, cores());
  require_memory(plan, available);
  dataset const tokens{plan.what.tokens, plan.shape.vocabulary, o.seed};
  require_sequence(plan, tokens);
  auto const steps = o.steps.value_or(default_steps(plan, tokens));
  make_folder(o.out);

  for (auto const& note : plan.notes) std::cerr << "note: " << note.en << '\n';
  cpu_processor const processor{measured_gemm_peak(std::min(cores(), plan.ranks * plan.threads), plan.what.precision),
                                plan.ranks, available.value_or(0), plan.what.precision};
  if (plan.what.recompute == km::recompute::layers) {
    train<km::recompute::layers>(plan, tokens, steps, processor.device(), o);
  } else {
    train<km::recompute::none>(plan, tokens, steps, processor.device(), o);
  }
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{"Trains a llama2 case with ZeRO-3 and reports tokens/p/s and MFU in FlagPerf's form."};
  add_options(app, o);
  try {
    app.parse(argc, argv);
    run(o);
  } catch (CLI::CallForHelp const& help) {
    return app.exit(help);
  } catch (rank_failure const& failure) {
    std::cerr << "llama2_zero3: " << failure.what() << '\n';
    return 1;
  } catch (std::exception const& failure) {
    std::cerr << "llama2_zero3: " << failure.what() << '\n';
    return 2;
  }
}
