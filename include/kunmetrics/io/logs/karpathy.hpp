// nanoGPT, llm.c and nanochat.
//
//   iter 150: loss 2.1255, time 1627.96ms, mfu 9.35%
//   step  1/19560 | loss 11.010252 (+nanz)| norm 15.1374 (+nanz)| lr 8.57e-07 | 4688.25 ms | 28.8% bf16 MFU | 111830 tok/s
//   step 00004/21400 (0.02%) | loss: 8.893647 | lrm: 1.00 | dt: 989.44ms | tok/sec: 529,882 | mfu: 74.13 | total time: 0.00m
// Tokens a second are the whole job's; nanochat's mfu is in percent without saying so. llm.c's batch size of its
// table is in tokens; -100.0% is its word for an unknown device. Sources: train.py, train_gpt2.cu, scripts/base_train.py.
#pragma once

#include <kunmetrics/io/logs/collector.hpp>

namespace kunmetrics::logs {

inline bool read_nanogpt_iteration(anchored_line const& line, collector& to) {
  auto text = text_after(line.text, "iter ");
  if (!text) return false;
  record found;
  auto const colon = text->find(": loss ");
  if (colon == std::string_view::npos) return false;
  found.step = count_of(number_in(text->substr(0, colon)));
  auto const time = number_in(line.after);
  if (!found.step || !time) return false;
  to.mark(log_framework::nanogpt);
  found.rank = rank_of(line.text.substr(0, line.text.find("iter ")));
  found.set(field::loss, number_in(text->substr(colon + 7)));
  found.set(field::step_time, *time * 1e-3);
  // -100 % until five iterations are averaged
  if (auto const mfu = number_after(line.after, "mfu "); mfu && mfu->value >= 0) found.set(field::mfu, *mfu * 0.01);
  to.take(source::nanogpt, found);
  return true;
}

// "Overriding: block_size = 256"
inline bool read_nanogpt_setting(anchored_line const& line, collector& to) {
  if (line.after.starts_with("batch_size = ")) to.state_count(to.log.micro_batch_size, number_after(line.after, "="));
  if (line.after.starts_with("block_size = ")) to.state_count(to.log.sequence_length, number_after(line.after, "="));
  return true;
}

inline bool read_llmc_step(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_after(line.text, "step "));
  if (!found.step) return false;
  to.mark(log_framework::llm_c);
  auto const before = line.text.substr(0, line.text.size() - line.after.size());
  if (auto const bar = before.rfind('|'); bar != std::string_view::npos) {
    if (auto const mfu = number_in(before.substr(bar + 1))) found.set(field::mfu, *mfu * 0.01);
    auto const time = before.rfind('|', bar - 1);
    if (bar > 0 && time != std::string_view::npos &&
        before.substr(time, bar - time).find(" ms") != std::string_view::npos) {
      if (auto const ms = number_in(before.substr(time + 1))) found.set(field::step_time, *ms * 1e-3);
    }
  }
  found.set(field::loss, number_after(line.text, "loss "));
  if (line.after.find(" tok/s") != std::string_view::npos) found.set(field::tokens_per_second, number_in(line.after));
  to.take(source::llm_c, found);
  return true;
}

// "| device                | NVIDIA A100-SXM4-40GB                              |"
inline bool read_llmc_device(anchored_line const& line, collector& to) {
  auto const name = trimmed(line.after.substr(0, std::min(line.after.rfind('|'), line.after.size())));
  auto const text = trimmed(name.starts_with('|') ? name.substr(1) : name);
  if (!text.empty() && text.size() <= 128) to.state(to.log.device, std::optional{std::string{text}});
  return true;
}
inline bool read_llmc_peak(anchored_line const& line, collector& to) {
  if (auto const rate = number_in(line.after)) to.state_amount(to.log.peak, *rate * 1e12);
  return true;
}

inline bool read_nanochat_step(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_after(line.text, "step "));
  auto const time = number_after(line.text, "dt: ");
  if (!found.step || !time) return false;
  to.mark(log_framework::nanochat);
  found.set(field::loss, number_after(line.text, "loss: "));
  found.set(field::step_time, *time * 1e-3);
  found.set(field::tokens_per_second, number_in(line.after));
  if (auto const mfu = number_after(line.after, "mfu: ")) found.set(field::mfu, *mfu * 0.01);
  to.take(source::nanochat, found);
  return true;
}

// "GPU: NVIDIA H100 80GB HBM3 | Peak FLOPS (BF16): 9.89e+14"
inline bool read_nanochat_device(anchored_line const& line, collector& to) {
  to.mark(log_framework::nanochat);
  to.state_amount(to.log.peak, number_in(line.after));
  auto const name = text_after(line.text, "GPU: ");
  if (name) {
    to.state(to.log.device,
             std::optional{std::string{trimmed(name->substr(0, std::min<std::size_t>(name->find(" |"), 128)))}});
  }
  return true;
}

// "Tokens / micro-batch / rank: 32 x 2048 = 65,536"
inline bool read_nanochat_batch(anchored_line const& line, collector& to) {
  auto const length = number_after(line.after, " x ");
  if (!length) return false;
  to.state_count(to.log.micro_batch_size, number_in(line.after));
  to.state_count(to.log.sequence_length, length);
  return true;
}

// "Total batch size 524,288 => gradient accumulation steps: 1", in tokens
inline bool read_nanochat_accumulation(anchored_line const& line, collector& to) {
  to.mark(log_framework::nanochat);
  to.state_count(to.log.gradient_accumulation_steps, number_in(line.after));
  to.state_tokens_per_step(number_after(line.text, "Total batch size "));
  return true;
}

inline constexpr std::array karpathy_anchors{
    log_anchor{", time ", read_nanogpt_iteration},
    log_anchor{"Overriding: ", read_nanogpt_setting},
    log_anchor{"tokens per iteration will be: ", states_tokens_per_step<log_framework::nanogpt>},
    log_anchor{"% bf16 MFU", read_llmc_step},
    log_anchor{"| device  ", read_llmc_device},
    log_anchor{"| peak TFlops ", read_llmc_peak},
    log_anchor{"| micro batch size B ", states_count<&training_log::micro_batch_size, log_framework::llm_c>},
    log_anchor{"| sequence length T ", states_count<&training_log::sequence_length, log_framework::llm_c>},
    log_anchor{"| total batch size ", states_tokens_per_step<log_framework::llm_c>},
    log_anchor{"| num_processes ", states_count<&training_log::world_size, log_framework::llm_c>},
    log_anchor{"grad_accum_steps=", states_count<&training_log::gradient_accumulation_steps>},
    log_anchor{"num_parameters: ", states_amount<&training_log::parameters>},
    log_anchor{"tok/sec: ", read_nanochat_step},
    log_anchor{"| Peak FLOPS (BF16): ", read_nanochat_device},
    log_anchor{"Tokens / micro-batch / rank: ", read_nanochat_batch},
    log_anchor{"=> gradient accumulation steps: ", read_nanochat_accumulation},
    log_anchor{"umber of parameters: ", states_amount<&training_log::parameters>},
};

}  // namespace kunmetrics::logs
