// A job from its first step to its last file: measures the machine's peak, trains, and reports as FlagPerf does.
//
// `engine` is how ranks are run: run(training, limits) trains, and reports() says whether this process is the one
// that measures and writes.
#pragma once

#include "cpu_processor.hpp"
#include "job.hpp"
#include "kept_steps.hpp"
#include "report_files.hpp"
#include "run_profile.hpp"
#include "run_tuning.hpp"
#include "training.hpp"

#include <kunmetrics/meter.hpp>
#include <kunmetrics/summary.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string_view>
#include <system_error>

namespace trainer {

namespace detail {
// The language of the document printed at the end: that of the user's terminal.
inline kunmetrics::language terminal_language() {
  for (char const* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    char const* const value = std::getenv(name);
    if (value != nullptr && *value != '\0') return std::string_view{value}.starts_with("zh") ? kunmetrics::language::zh : kunmetrics::language::en;
  }
  return kunmetrics::language::en;
}

// Where the meter goes on: steps and tokens before the checkpoint enter no rate, and steps after it that `log` already
// tells of are trained again.
inline kunmetrics::resume_point resume_point_of(std::optional<checkpoint> const& from, std::filesystem::path const& log) {
  if (!from) return {};
  auto const& meta = from->meta();
  return {.step = meta.progress.steps * kunmetrics::units::step,
          .tokens = meta.samples * meta.sequence_length * kunmetrics::units::token,
          .reached = last_step(log) * kunmetrics::units::step};
}

inline void make_folder(std::filesystem::path const& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw kunmetrics::input_error{kunmetrics::detail::needed_found(folder.string(), "a folder to write in", error.message())};
}

template <kunmetrics::recompute Recompute>
void train(job const& what, auto const& engine, std::atomic<bool> const& stop) {
  auto const& [plan, tokens, steps, memory, limits, from, initial, o] = what;
  // a rank that does not report has no use for a measured peak, and would disturb the measurement; a card has a published one
  gemm_peak const peak = engine.reports() && !plan.card ? measured_gemm_peak(std::min(cores(), plan.ranks * plan.threads), plan.what.precision)
                                                         : gemm_peak{.flop_per_second = 1, .size = 1, .threads = 1};
  if (engine.reports() && plan.tuning) {
    std::cerr << fc_table(*plan.tuning, peak.flop_per_second / peak.threads * std::min(peak.threads, plan.threads));
  }
  cpu_processor const owner{peak, plan.ranks, memory, plan.what.precision};
  auto const processor = plan.card ? *plan.card : owner.device();
  auto const before = from ? from->meta().progress.steps : 0;
  // a run of two steps still has one to measure; the report says how many were left out
  // records for the charts: all of them up to a hundred thousand
  kunmetrics::meter_settings const settings{.warm_up = std::min<std::int64_t>(2, steps - before - 1) * kunmetrics::units::step,
                                    .records_kept = static_cast<std::size_t>(std::min<std::int64_t>(steps, 100'000)),
                                    .resumed = resume_point_of(from, o.out / "steps.jsonl")};
  kunmetrics::meter meter{plan.what.run(processor), settings, kunmetrics::tokens_per_processor_second, kunmetrics::mfu<kunmetrics::flops::palm>,
                  kunmetrics::mfu<kunmetrics::flops::causal>, kunmetrics::mfu<kunmetrics::flops::flagperf_nominal>,
                  kunmetrics::hfu<kunmetrics::flops::palm, Recompute>};
  std::optional<step_outputs<decltype(meter)>> log;
  if (engine.reports()) {
    log.emplace(o, meter, before, steps, reporting_interval(plan));
  }
  training training_run{plan, tokens, steps, meter, log ? &*log : nullptr, stop,
                        {.folder = o.out / "checkpoints", .every = o.checkpoint_every, .keep = o.keep,
                         .from = from ? &*from : nullptr, .initial = initial ? &*initial : nullptr}};
  std::optional<run_profile> profile;
  if (o.profile && engine.reports()) training_run.profile(profile.emplace(plan, peak).operators());
  auto const outcome = engine.run(training_run, limits);
  if (!engine.reports()) return;

  auto const run = kunmetrics::summary_of(meter);
  log->finish(run, outcome.steps == steps);
  auto const devices = log->devices();
  auto const document = document_of(plan, tokens, processor, steps, outcome,
                                    o.monitor == "machine" ? std::nullopt : devices);
  auto const chinese = kunmetrics::flagperf_report(document, run, kunmetrics::language::zh);
  auto const english = kunmetrics::flagperf_report(document, run, kunmetrics::language::en);
  // printed before it is written: the disk may be full
  std::cout << (terminal_language() == kunmetrics::language::zh ? chinese : english) << std::flush;
  if (!std::cout) std::cerr << "note: standard output did not take the report; it is in " << o.out.string() << '\n';
  if (log->lost() > 0) std::cerr << "note: steps.jsonl lacks " << log->lost() << " steps that the disk did not take\n";
  auto object = report_json(plan, tokens, document, run, steps, outcome);
  if (devices) object["monitor"] = json_of(*devices);
  auto const& out = o.out;
  kunmetrics::write_whole(out / "report.md", chinese);
  kunmetrics::write_whole(out / "report.en.md", english);
  kunmetrics::write_whole(out / "report.json", kunmetrics::json_text(object));
  kunmetrics::write_whole(out / "report.html", kunmetrics::html_report(plan.what.name, document, run, meter.records(), log->charts()));
  if (profile) profile->tell(plan.what.name, meter.records(), out);
  std::cerr << "written: " << out.string() << "/{report.md,report.en.md,report.json,report.html,steps.jsonl}\n";
}

}  // namespace detail

/// Trains and reports. Throws what the training, or the writing of a file, throws.
void train(job const& what, auto const& engine, std::atomic<bool> const& stop) {
  if (engine.reports()) {
    detail::make_folder(what.asked.out);
    for (auto const& note : what.plan.notes) std::cerr << "note: " << note.en << '\n';
  }
  if (what.plan.what.recompute == recompute::layers) {
    detail::train<recompute::layers>(what, engine, stop);
  } else {
    detail::train<recompute::none>(what, engine, stop);
  }
}

}  // namespace trainer
