// Megatron-LM's log and its forks': cells between bars, one line a logged iteration.
//
//   iteration  4/ 25000 | elapsed time per iteration (ms): 270125.4 | throughput per GPU (TFLOP/s/GPU): 449.6 | ...
// Forks add to it: seconds for milliseconds, "samples per second" and "TFLOPs" (Megatron-DeepSpeed, whose
// TFLOP/s have the recomputation in), "tokens per GPU" and current/average pairs (Primus),
// "approx flops per GPU" (gpt-neox), a summary at the end (ROCm), progress.txt. Every cell is closed
// by a bar; one that is not was cut. Sources: megatron/training/training.py, the forks' logs.
#pragma once

#include <kunmetrics/io/logs/collector.hpp>

namespace kunmetrics::logs {

namespace parts {
using cell_reader = seen_cell::reader;

template <field Field>
void cell_number(std::string_view value, record& into, collector&) { into.set(Field, number_in(value)); }
template <field Field>
void cell_thousandth(std::string_view value, record& into, collector&) {
  if (auto const number = number_in(value)) into.set(Field, *number * 1e-3);
}
inline void cell_tera(std::string_view value, record& into, collector&) {
  if (auto const rate = number_in(value)) into.set(field::flop_rate, *rate * 1e12);
}
inline void cell_deepspeed_tera(std::string_view value, record& into, collector& to) {
  cell_tera(value, into, to);
  to.mark(log_framework::megatron_deepspeed);
}
template <auto Fact>
void cell_count(std::string_view value, record&, collector& to) { to.state_count(to.log.*Fact, number_in(value)); }
inline void cell_samples_behind(std::string_view value, record& into, collector&) {
  into.set(field::samples_per_second, number_after(value, "samples/sec"));
}
inline void cell_neox_flops(std::string_view value, record& into, collector& to) {
  to.mark(log_framework::gpt_neox);
  into.set(field::flop_rate, human_number_in(value));
}
template <log_framework Mark>
void cell_marks(std::string_view, record&, collector& to) { to.mark(Mark); }

struct megatron_cell {
  std::string_view name;
  cell_reader read;
};
inline constexpr std::array known_megatron_cells{
    megatron_cell{"elapsed time per iteration (ms)", cell_thousandth<field::step_time>},
    megatron_cell{"elapsed time per iteration (s)", cell_number<field::step_time>},
    megatron_cell{"consumed samples", cell_number<field::samples_seen>},
    megatron_cell{"consumed tokens", cell_number<field::tokens_seen>},
    megatron_cell{"throughput per GPU (TFLOP/s/GPU)", cell_tera},
    megatron_cell{"TFLOPs", cell_deepspeed_tera},
    megatron_cell{"global batch size", cell_count<&training_log::global_batch_size>},
    megatron_cell{"lm loss", cell_number<field::loss>},
    megatron_cell{"lm_loss", cell_number<field::loss>},
    megatron_cell{"loss", cell_number<field::loss>},
    megatron_cell{"samples per second", cell_number<field::samples_per_second>},
    megatron_cell{"samples/sec", cell_number<field::samples_per_second>},
    megatron_cell{"iteration time", cell_samples_behind},
    megatron_cell{"tokens per gpu per second (tgs)", cell_number<field::tokens_per_processor_second>},
    megatron_cell{"tokens per GPU (tokens/s/GPU)", cell_number<field::tokens_per_processor_second>},
    megatron_cell{"tokens/s/gpu", cell_number<field::tokens_per_processor_second>},
    megatron_cell{"actual seqlen", cell_count<&training_log::sequence_length>},
    megatron_cell{"approx flops per GPU", cell_neox_flops},
    megatron_cell{"mem usages", cell_marks<log_framework::megatron_rocm>},
    megatron_cell{"max_memory_allocated(GB)", cell_marks<log_framework::mindspeed>},
};

// The cells by the length of their names, which tells almost all of them apart.
class megatron_cell_table {
 public:
  constexpr megatron_cell_table() : cells_{known_megatron_cells} {
    std::ranges::sort(cells_, {}, [](megatron_cell const& cell) { return cell.name.size(); });
    for (std::size_t length = 0; length < first_.size(); ++length) {
      auto const shorter = [&](megatron_cell const& cell) { return cell.name.size() < length; };
      first_[length] = static_cast<std::uint8_t>(std::ranges::count_if(cells_, shorter));
    }
  }
  constexpr std::size_t size() const { return cells_.size(); }
  constexpr megatron_cell const& operator[](std::size_t i) const { return cells_[i]; }
  // The cell's number, or size(): no pointer, as g++ 12 under -fsanitize=undefined compares none in a constant.
  constexpr std::size_t find(std::string_view name) const {
    if (name.empty() || name.size() + 1 >= first_.size()) return size();
    for (std::size_t i = first_[name.size()]; i < first_[name.size() + 1]; ++i) {
      if (cells_[i].name.front() == name.front() && cells_[i].name == name) return i;
    }
    return size();
  }

 private:
  static constexpr std::size_t longest = 40;
  std::array<megatron_cell, known_megatron_cells.size()> cells_;
  std::array<std::uint8_t, longest + 2> first_{};
};
inline constexpr megatron_cell_table megatron_cells;
static_assert(std::ranges::all_of(known_megatron_cells, [](auto const& cell) {
  return megatron_cells.find(cell.name) < megatron_cells.size();
}));

// Null for a cell of no use here.
inline cell_reader reader_of(std::string_view name) {
  if (auto const known = megatron_cells.find(name); known < megatron_cells.size()) return megatron_cells[known].read;
  // these go on in more than one way
  if (name.starts_with("elapsed time per iteration")) return cell_number<field::step_time>;
  if (name.starts_with("hip mem usage") || name.starts_with("rocm mem usage")) {
    return cell_marks<log_framework::primus>;
  }
  return nullptr;
}

// One that no bar closes was cut.
inline void read_megatron_cells(std::string_view rest, record& into, collector& to) {
  for (std::size_t i = 0; !rest.empty(); ++i) {
    auto& seen = to.cells[std::min(i, to.cells.size() - 1)];
    if (!seen.begins(rest)) {
      auto const bar = rest.find('|');
      auto const colon = rest.substr(0, bar).find(':');
      if (bar == std::string_view::npos) return;
      if (colon != std::string_view::npos) seen.see(rest.substr(0, colon + 1), reader_of(trimmed(rest.substr(0, colon))));
      if (!seen.begins(rest)) {  // no name, or one too long to be known
        rest.remove_prefix(bar + 1);
        continue;
      }
    }
    auto const bar = rest.find('|', seen.size());
    if (bar == std::string_view::npos) return;
    seen.read(rest.substr(seen.size(), bar - seen.size()), into, to);
    rest.remove_prefix(bar + 1);
  }
}

// "[rank-7/8]": rank 7 of 8.
inline void read_world_of_rank(std::string_view head, collector& to) {
  auto text = text_after(head, "[rank-");
  if (!text || !take_number(*text) || !text->starts_with('/')) return;
  to.state_count(to.log.world_size, number_in(text->substr(1)));
}
}  // namespace parts

inline bool read_megatron_iteration(anchored_line const& line, collector& to) {
  auto const iteration = text_after(line.text, "iteration ");
  if (!iteration || line.after.empty() || line.after.front() == ':') {  // ROCm's summary
    return false;
  }
  record found;
  found.step = count_of(number_in(*iteration));
  if (!found.step) return false;
  auto const head = line.text.substr(0, line.text.size() - iteration->size());
  found.rank = rank_of(head);
  to.mark(log_framework::megatron);
  parts::read_world_of_rank(head, to);
  parts::read_megatron_cells(line.text, found, to);  // gpt-neox's begins with a rate
  to.take(source::megatron, found);
  return true;
}

// Megatron-Bridge says time and work on a line before the iteration's.
inline bool read_megatron_bridge(anchored_line const& line, collector& to) {
  if (line.text.find("MODEL_TFLOP/s/GPU") == std::string_view::npos) return false;
  to.mark(log_framework::megatron_bridge);
  if (auto const rate = number_in(line.after)) to.precede(source::megatron, field::flop_rate, *rate * 1e12);
  return true;
}

inline bool read_rocm_rate(anchored_line const& line, collector& to) {
  to.mark(log_framework::megatron_rocm);
  if (auto const rate = number_in(line.after)) to.summarise(field::flop_rate, *rate * 1e12);
  return true;
}
inline bool read_rocm_tokens(anchored_line const& line, collector& to) {
  to.mark(log_framework::megatron_rocm);
  to.summarise(field::tokens_per_processor_second, number_in(line.after));
  return true;
}

// progress.txt: "Job ID: 198424  # GPUs: 8  Starting job", "Job throughput: 364.8 TFLOP/s/GPU, ...".
inline bool read_megatron_progress(anchored_line const& line, collector& to) {
  if (line.text.find("Job ID: ") == std::string_view::npos) return false;
  to.mark(log_framework::megatron);
  to.state_count(to.log.world_size, number_in(line.after));
  return false;
}
inline bool read_megatron_job_rate(anchored_line const& line, collector& to) {
  if (auto const rate = number_in(line.after)) to.summarise(field::flop_rate, *rate * 1e12);
  return false;
}

// The arguments that Megatron and DeepSpeed print at the start: a name, dots, a value.
inline bool read_dotted_argument(anchored_line const& line, collector& to) {
  auto const dots = line.text.find(" ....");
  auto name = trimmed(line.text.substr(0, dots));
  if (auto const blank = name.find_last_of(" \t"); blank != std::string_view::npos) name.remove_prefix(blank + 1);
  auto value = line.after;
  value.remove_prefix(std::min(value.find_first_not_of('.'), value.size()));
  auto const number = number_in(value);
  if (name == "seq_length") to.state_count(to.log.sequence_length, number);
  if (name == "global_batch_size" || name == "train_batch_size") to.state_count(to.log.global_batch_size, number);
  if (name == "micro_batch_size" || name == "train_micro_batch_size_per_gpu") {
    to.state_count(to.log.micro_batch_size, number);
  }
  if (name == "gradient_accumulation_steps") to.state_count(to.log.gradient_accumulation_steps, number);
  // DeepSpeed's own "world_size" is the number of replicas
  if (name == "world_size" && line.text.find(":print]") == std::string_view::npos) to.state_count(to.log.world_size, number);
  if (name == "train_iters") to.state_count(to.log.total_steps, number);
  return true;
}

inline bool read_megatron_parameters(anchored_line const& line, collector& to) {
  if (auto const billions = number_in(line.after)) to.state_amount(to.log.parameters, *billions * 1e9);
  return true;
}

inline constexpr std::array megatron_anchors{
    log_anchor{"elapsed time per iteration", read_megatron_iteration},
    log_anchor{"GPU utilization: ", read_megatron_bridge},
    log_anchor{"throughput per GPU: ", read_rocm_rate},
    log_anchor{"tokens/GPU/s: ", read_rocm_tokens},
    log_anchor{"# GPUs: ", read_megatron_progress},
    log_anchor{"Job throughput: ", read_megatron_job_rate},
    log_anchor{" ......", read_dotted_argument},
    log_anchor{"Total number of parameters in billions: ", read_megatron_parameters},
    log_anchor{"using world size: ", states_count<&training_log::world_size>},
    log_anchor{"TOTAL_PARAMS=", states_amount<&training_log::parameters>},
    log_anchor{"FlagScale", marks<log_framework::flagscale>},
    log_anchor{"flagscale", marks<log_framework::flagscale>},
    log_anchor{"MindSpeed", marks<log_framework::mindspeed>},
    log_anchor{"mindspeed", marks<log_framework::mindspeed>},
    log_anchor{"Primus", marks<log_framework::primus>},
    log_anchor{"primus/", marks<log_framework::primus>},
    log_anchor{"Megatron-DeepSpeed", marks<log_framework::megatron_deepspeed>},
};

}  // namespace kunmetrics::logs
