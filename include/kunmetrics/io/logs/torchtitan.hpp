// torchtitan's metrics line and what it says of a run at the start.
//
//   step: 10  loss: 10.4260  memory: 30.89GiB(32.51%)  tps: 6,344  tflops: 367.39  mfu: 37.15%
// tps (wps in 2024) is of one processor. Colours stand between name and number; one physical line
// may hold two records. Source: torchtitan/components/metrics.py, train.py.
#pragma once

#include <kunmetrics/io/logs/collector.hpp>

namespace kunmetrics::logs {

inline bool read_torchtitan_step(anchored_line const& line, collector& to) {
  record found;
  auto const begin = line.text.rfind("step: ", line.text.size() - line.after.size());
  if (begin == std::string_view::npos) return false;
  auto const text = line.text.substr(begin);
  found.step = count_of(number_after(text, "step: "));
  auto const loss = text_after(text, "loss: ");
  if (!found.step || !loss) return false;
  to.mark(log_framework::torchtitan);
  found.rank = rank_of(line.text.substr(0, begin));
  found.set(field::loss, number_in(*loss));
  found.set(field::tokens_per_processor_second, number_in(line.after));
  if (auto const rate = number_after(line.after, "tflops: ")) found.set(field::flop_rate, *rate * 1e12);
  if (auto const mfu = number_after(line.after, "mfu: ")) found.set(field::mfu, *mfu * 0.01);
  to.take(source::torchtitan, found);
  return false;  // a second record may follow
}

// "Training starts at step 1, with local batch size 5, global batch size 20, sequence length 8192, total steps 100"
inline bool read_torchtitan_batch(anchored_line const& line, collector& to) {
  if (line.text.find("sequence length ") == std::string_view::npos) return false;
  to.mark(log_framework::torchtitan);
  to.state_count(to.log.micro_batch_size, number_in(line.after));
  to.state_count(to.log.global_batch_size, number_after(line.after, "global batch size "));
  to.state_count(to.log.gradient_accumulation_steps, number_after(line.after, "gradient accumulation steps "));
  to.state_count(to.log.sequence_length, number_after(line.after, "sequence length "));
  to.state_count(to.log.total_steps, number_after(line.after, "total steps "));
  return true;
}

// "['dp_shard', 'tp'], [4, 2]": the product of the sizes.
inline bool read_torchtitan_mesh(anchored_line const& line, collector& to) {
  auto sizes = text_after(line.after, "], [");
  if (!sizes) return false;
  double world = 1;
  while (auto const size = take_number(*sizes)) {
    world *= size->value;
    if (sizes->starts_with(',')) sizes->remove_prefix(1);
  }
  if (!sizes->starts_with(']')) return false;
  to.mark(log_framework::torchtitan);
  to.state_count(to.log.world_size, printed{world, 1});
  return false;
}

// "pp=1, dp_replicate=1, dp_shard=8, cp=1, tp=1, ep=1": expert parallelism lies within the others.
inline bool read_torchtitan_degrees(anchored_line const& line, collector& to) {
  double world = 1;
  for (std::string_view const degree : {"pp=", "dp_replicate=", "dp_shard=", "cp=", " tp="}) {
    auto const size = number_after(line.after, degree);
    if (degree == "pp=" && !line.after.starts_with("pp=")) return false;
    if (!size || size->value < 1) return false;
    world *= size->value;
  }
  to.mark(log_framework::torchtitan);
  to.state_count(to.log.world_size, printed{world, 1});
  return true;
}

// "CUDA capacity: NVIDIA H100 with 95.00GiB memory"
inline bool read_torchtitan_device(anchored_line const& line, collector& to) {
  auto const end = line.after.find(" with ");
  if (end == std::string_view::npos || line.after.find("GiB memory") == std::string_view::npos) return false;
  to.mark(log_framework::torchtitan);
  to.state(to.log.device, std::optional{std::string{trimmed(line.after.substr(0, std::min<std::size_t>(end, 128)))}});
  return true;
}

// "Model llama3 8B size: 8,030,261,248 total parameters"
inline bool read_torchtitan_parameters(anchored_line const& line, collector& to) {
  if (line.after.find(" total parameters") == std::string_view::npos) return false;
  to.mark(log_framework::torchtitan);
  to.state_amount(to.log.parameters, number_in(line.after));
  return true;
}

// Of all steps so far, on a line before the step's own.
inline bool read_torchtitan_tokens(anchored_line const& line, collector& to) {
  to.precede(source::torchtitan, field::tokens_seen, number_in(line.after));
  return true;
}

inline constexpr std::array torchtitan_anchors{
    log_anchor{" tps: ", read_torchtitan_step},
    log_anchor{" wps: ", read_torchtitan_step},
    log_anchor{"local batch size ", read_torchtitan_batch},
    log_anchor{"-D device mesh with [", read_torchtitan_mesh},
    log_anchor{"device mesh with parallelism: ", read_torchtitan_degrees},
    log_anchor{" capacity: ", read_torchtitan_device},
    log_anchor{" size: ", read_torchtitan_parameters},
    log_anchor{"n_tokens_seen: ", read_torchtitan_tokens},
    log_anchor{"Peak FLOPS used for computing MFU: ", states_amount<&training_log::peak, log_framework::torchtitan>},
};

}  // namespace kunmetrics::logs
