// Lightning, litgpt and NeMo.
//
//   Epoch 34 | iter 3050700 step 610140 | loss train: 2.846, val: 2.861 | iter time: 112.20 ms (step) ...      litgpt
//   | - Tok/sec : 60.85 tok/s                                                                                  litgpt's end
//   Training epoch 0, iteration 97/99 | global_step: 97 | reduced_train_loss: 6.265 | train_step_timing in s: 12.22 | ...
//   Epoch 0: :   3%|▎  | 9000/301500 [1:42:42<55:37:46, v_num=0-56, reduced_train_loss=6.1, train_step_timing in s=0.615]
//   Epoch 0:  45%|████ | 450/1000 [01:15<01:31,  6.00it/s, v_num=0, train_loss=2.31]                           Lightning's bar
// litgpt's "iter time" is of a micro-step, also where it says (step). Sources: litgpt/pretrain.py,
// nemo/lightning, lightning/pytorch/callbacks/progress.
#pragma once

#include <kunmetrics/io/logs/collector.hpp>

namespace kunmetrics::logs {

inline bool read_litgpt_iteration(anchored_line const& line, collector& to) {
  record found;
  auto const iteration = number_after(line.text, "iter ");
  found.step = count_of(number_after(line.text, " step "));
  if (!iteration || !found.step) return false;
  to.mark(log_framework::litgpt);
  found.rank = rank_of(line.text.substr(0, line.text.find("iter ")));
  auto const loss = number_after(line.text, "loss train: ");
  found.set(field::loss, loss ? loss : number_after(line.text, "loss "));
  found.set(field::micro_steps_seen, iteration);
  if (auto const time = number_in(line.after)) found.set(field::micro_step_time, *time * 1e-3);
  to.take(source::litgpt, found);
  return true;
}

inline bool read_litgpt_rate(anchored_line const& line, collector& to) {
  if (line.after.find("tok/s") == std::string_view::npos) return false;
  to.mark(log_framework::litgpt);
  to.summarise(field::tokens_per_second, number_in(line.after));
  return true;
}
inline bool read_litgpt_time(anchored_line const& line, collector& to) {
  to.state_amount(to.log.run_time, number_in(line.after));
  return true;
}
inline bool read_litgpt_tokens(anchored_line const& line, collector& to) {
  to.add_total(to.log.tokens_seen, number_in(line.after));
  to.state_amount(to.log.run_tokens, number_in(line.after));
  return true;
}

// Both of NeMo's forms name their values alike, behind ": " or "=".
inline bool read_nemo_step(anchored_line const& line, collector& to) {
  to.mark(log_framework::nemo);
  record found;
  found.step = count_of(number_after(line.text, "global_step"));
  found.set(field::step_time, number_in(line.after));
  found.set(field::loss, number_after(line.text, "reduced_train_loss"));
  found.set(field::samples_seen, number_after(line.text, "consumed_samples"));
  found.set(field::tokens_per_processor_second, number_after(line.text, "tokens_per_sec_per_gpu"));
  auto const lower = number_after(line.text, "tflops_per_sec_per_gpu");
  if (auto const rate = lower ? lower : number_after(line.text, "TFLOPS_per_GPU")) {
    found.set(field::flop_rate, *rate * 1e12);
  }
  to.state_count(to.log.global_batch_size, number_after(line.text, "global_batch_size"));
  to.take(source::nemo, found);
  return true;
}

// A bar is drawn again and again: the batch of the epoch tells one step's bars apart. The number of
// the batch is a step of the run once the batches of the epochs before are added.
inline bool read_lightning_bar(anchored_line const& line, collector& to) {
  auto const epoch_text = text_after(line.text, "Epoch ");
  auto const epoch = parts::scanned_number{epoch_text.value_or("")};  // a colon follows it
  auto const bar = line.text.rfind('|', line.text.size() - line.after.size());
  if (!epoch.valid() || bar == std::string_view::npos ||
      line.text.find("train_step_timing in s") != std::string_view::npos) {
    return false;
  }
  auto text = line.text.substr(bar + 1);
  auto const batch = take_number(text);
  if (!batch || !text.starts_with('/')) return false;
  auto const batches = number_in(text.substr(1));
  if (!batches) return false;
  to.mark(log_framework::lightning);
  record found;
  found.step = count_of(printed{epoch.value() * batches->value + batch->value, 1});
  auto const loss = number_after(line.after, "train_loss=");
  found.set(field::loss, loss ? loss : number_after(line.after, " loss="));
  to.take(source::lightning, found);
  return true;
}

inline constexpr std::array lightning_anchors{
    log_anchor{"iter time: ", read_litgpt_iteration},
    log_anchor{"- Tok/sec ", read_litgpt_rate},
    log_anchor{"- Training Time ", read_litgpt_time},
    log_anchor{"- Total Tokens (w/ Padding) ", read_litgpt_tokens},
    log_anchor{"Total parameters: ", states_amount<&training_log::parameters>},
    log_anchor{"train_step_timing in s", read_nemo_step},
    log_anchor{" v_num=", read_lightning_bar},
};

}  // namespace kunmetrics::logs
