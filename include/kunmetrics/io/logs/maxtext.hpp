// MaxText's line of a completed step.
//
//   completed step: 4, seconds: 5.669, TFLOP/s/device: 134.884, Tokens/s/device: 8670.207, total_weights: 196608, loss: 11.110
// Steps are timed without waiting for the device, so that the first ones may look impossibly fast.
// total_weights are the tokens of the whole step that are not padding. Source: MaxText/train.py.
#pragma once

#include <kunmetrics/io/logs/collector.hpp>

namespace kunmetrics::logs {

inline bool read_maxtext_step(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_after(line.text, "completed step: "));
  if (!found.step) return false;
  to.mark(log_framework::maxtext);
  found.rank = rank_of(line.text.substr(0, line.text.find("completed step")));
  found.set(field::step_time, number_after(line.text, "seconds: "));
  if (auto const rate = number_in(line.after)) found.set(field::flop_rate, *rate * 1e12);
  found.set(field::tokens_per_processor_second, number_after(line.after, "Tokens/s/device: "));
  found.set(field::tokens_per_step, number_after(line.after, "total_weights: "));
  found.set(field::loss, number_after(line.after, " loss: "));
  to.take(source::maxtext, found);
  return true;
}

inline constexpr std::array maxtext_anchors{
    log_anchor{"TFLOP/s/device: ", read_maxtext_step},
    log_anchor{"num_devices: ", states_count<&training_log::world_size>},
    log_anchor{"Num_devices: ", states_count<&training_log::world_size, log_framework::maxtext>},
    log_anchor{"max_target_length: ", states_count<&training_log::sequence_length>},
    log_anchor{"per_device_batch_size: ",
               states_count<&training_log::micro_batch_size>},  // no count where it is a fraction
    log_anchor{"global_batch_size_to_train_on: ", states_count<&training_log::global_batch_size>},
    log_anchor{"number parameters: ", states_amount<&training_log::parameters, log_framework::maxtext>},
};

}  // namespace kunmetrics::logs
