// Programs whose step is a block of lines: composer (llm-foundry), OLMo, OLMo-core.
//
//   [epoch=1][batch=5/5]:                                      [olmo.train:816, rank=0] [step=2/739328]
//            Train throughput/tokens_per_sec: 20082.8418           throughput/device/tokens_per_second=45,538
// The head names the step; the values that follow belong to it. Composer's mfu is a ratio, OLMo-core's MFU
// a percentage. Sources: composer/loggers/console_logger.py, olmo/train.py, olmo_core's speed_monitor.py.
#pragma once

#include <kunmetrics/io/logs/collector.hpp>

namespace kunmetrics::logs {

inline bool read_composer_head(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_in(line.after));
  if (!found.step || line.text.find("[epoch=") == std::string_view::npos) return false;
  to.mark(log_framework::composer);
  found.rank = rank_of(line.text.substr(0, line.text.find("[epoch=")));
  to.take(source::composer, found);
  return true;
}

inline bool read_olmo_head(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_in(line.after));
  if (!found.step || line.text.find("[olmo") == std::string_view::npos) return false;
  to.mark(log_framework::olmo);
  found.rank = rank_of(line.text);
  to.take(source::olmo, found);
  return true;
}

template <source From, field Field>
bool adds_percentage(anchored_line const& line, collector& to) {
  if (auto const percent = number_in(line.after)) to.add(From, Field, *percent * 0.01);
  return true;
}
inline bool read_composer_microbatch(anchored_line const& line, collector& to) {
  to.state_count(to.log.micro_batch_size, number_in(line.after));
  return true;
}

inline constexpr std::array multi_line_anchors{
    log_anchor{"[batch=", read_composer_head},
    log_anchor{"Train loss/train/total: ", adds<source::composer, field::loss>},
    log_anchor{"Train throughput/samples_per_sec: ", adds<source::composer, field::samples_per_second>},
    log_anchor{"Train throughput/tokens_per_sec: ", adds<source::composer, field::tokens_per_second>},
    log_anchor{"Train throughput/device/tokens_per_sec: ", adds<source::composer, field::tokens_per_processor_second>},
    log_anchor{"Train throughput/device/flops_per_sec: ", adds<source::composer, field::flop_rate>},
    log_anchor{"Train throughput/device/mfu: ", adds<source::composer, field::mfu>},
    log_anchor{"Train time/token: ", adds<source::composer, field::tokens_seen>},
    log_anchor{"Train time/sample: ", adds<source::composer, field::samples_seen>},
    log_anchor{"trainer/device_train_microbatch_size: ", read_composer_microbatch},
    log_anchor{"] [step=", read_olmo_head},
    log_anchor{"train/CrossEntropyLoss=", adds<source::olmo, field::loss>},
    log_anchor{"train/CE loss=", adds<source::olmo, field::loss>},
    log_anchor{"throughput/total tokens=", adds<source::olmo, field::tokens_seen>},
    log_anchor{"throughput/device/TPS=", adds<source::olmo, field::tokens_per_processor_second>},
    log_anchor{"throughput/device/MFU=", adds_percentage<source::olmo, field::mfu>},
    log_anchor{"throughput/total_tokens=", adds<source::olmo, field::tokens_seen>},
    log_anchor{"throughput/device/tokens_per_second=", adds<source::olmo, field::tokens_per_processor_second>},
};

}  // namespace kunmetrics::logs
