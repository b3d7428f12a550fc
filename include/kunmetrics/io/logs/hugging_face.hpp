// Hugging Face: the Trainer's python dicts and banner, and nanotron's line.
//
//   {'loss': 2.6031, 'epoch': 2.24, 'num_input_tokens_seen': 19660800, 'train_runtime': 252.0, 'train_tokens_per_second': 78016.9}
//   {'train_runtime': 299.2, 'train_samples_per_second': 8.021, 'train_tokens_per_second': 2737.984, 'epoch': 2.24}
//   iteration: 991 / 1000 | elapsed_time_per_iteration_ms: 45 | tokens_per_sec: 14.2K | tokens_per_sec_per_gpu: 1.78K | ...
// A dict has no step number: its epoch tells it from another rank's. The dict at the end is a summary, by
// whatever the version counts. nanotron's global batch size is in samples, in newer versions in tokens: it is
// tokens where rate and time make it so. Sources: transformers/trainer.py, nanotron/trainer.py.
#pragma once

#include <kunmetrics/io/logs/collector.hpp>

namespace kunmetrics::logs {

inline bool read_trainer_step(anchored_line const& line, collector& to) {
  record found;
  found.set(field::loss, number_in(line.after));
  if (auto const epoch = number_after(line.after, "'epoch': ")) found.epoch = epoch->value;
  if (!found.epoch) return false;
  to.mark(log_framework::hugging_face);
  auto const seen = number_after(line.after, "'num_input_tokens_seen': ");
  found.set(field::tokens_seen, seen ? seen : number_after(line.after, "'num_tokens': "));  // trl's name for them
  found.set(field::tokens_per_second, number_after(line.after, "'train_tokens_per_second': "));
  to.state_amount(to.log.run_time, number_after(line.after, "'train_runtime': "));
  to.take(source::hugging_face, found);
  return true;
}

inline bool read_trainer_end(anchored_line const& line, collector& to) {
  to.mark(log_framework::hugging_face);
  to.state_amount(to.log.run_time, number_in(line.after));
  auto const seen = number_after(line.text, "'num_input_tokens_seen': ");
  to.state_amount(to.log.run_tokens, seen ? seen : number_after(line.text, "'num_tokens': "));
  to.summarise(field::samples_per_second, number_after(line.after, "'train_samples_per_second': "));
  to.summarise(field::tokens_per_second, number_after(line.after, "'train_tokens_per_second': "));
  return true;
}

// The table of metrics after the end: "  train_samples_per_second =      1.088".
template <field Field>
bool read_trainer_metric(anchored_line const& line, collector& to) {
  if (trimmed(line.after).starts_with('=')) {
    to.mark(log_framework::hugging_face);
    to.summarise(Field, number_in(line.after));
  }
  return true;
}

inline bool read_nanotron_iteration(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_after(line.text, "iteration: "));
  if (!found.step) return false;
  to.mark(log_framework::nanotron);
  auto const time = human_number_in(line.after);
  auto const tokens = human_number_after(line.text, " tokens_per_sec: ");
  if (time) found.set(field::step_time, *time * 1e-3);
  found.set(field::tokens_per_second, tokens);
  found.set(field::tokens_per_processor_second, human_number_after(line.text, "tokens_per_sec_per_gpu: "));
  found.set(field::tokens_seen, human_number_after(line.text, "consumed_tokens: "));
  found.set(field::loss, human_number_after(line.text, "lm_loss: "));
  if (auto const rate = human_number_after(line.text, "model_tflops_per_gpu: ")) {
    found.set(field::flop_rate, *rate * 1e12);
  }
  if (auto const rate = human_number_after(line.text, "hardware_tflops_per_gpu: ")) {
    found.set(field::hardware_flop_rate, *rate * 1e12);
  }
  auto const batch = human_number_after(line.text, "global_batch_size: ");
  if (batch && tokens && time && std::abs(batch->value / (tokens->value * time->value * 1e-3) - 1) < 0.1) {
    found.set(field::tokens_per_step, batch);
  } else {
    to.state_count(to.log.global_batch_size, batch);
  }
  to.take(source::nanotron, found);
  return true;
}

inline constexpr std::array hugging_face_anchors{
    log_anchor{"{'loss': ", read_trainer_step},
    log_anchor{"'train_runtime': ", read_trainer_end},
    log_anchor{"train_samples_per_second ", read_trainer_metric<field::samples_per_second>},
    log_anchor{"train_tokens_per_second ", read_trainer_metric<field::tokens_per_second>},
    log_anchor{"batch size per device = ", states_count<&training_log::micro_batch_size, log_framework::hugging_face>},
    log_anchor{"distributed & accumulation) = ",
               states_count<&training_log::global_batch_size, log_framework::hugging_face>},
    log_anchor{"Gradient Accumulation steps = ",
               states_count<&training_log::gradient_accumulation_steps, log_framework::hugging_face>},
    log_anchor{"Total optimization steps = ", states_count<&training_log::total_steps, log_framework::hugging_face>},
    log_anchor{"Number of trainable parameters = ",
               states_amount<&training_log::parameters, log_framework::hugging_face>},
    log_anchor{"_per_iteration_ms: ", read_nanotron_iteration},
};

}  // namespace kunmetrics::logs
