// A case that trains in moments, and the folder that it stands in.
#pragma once

#include "npy.hpp"

#include "scratch_folder.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

namespace trainer_test {

inline nlohmann::json small_case() {
  return nlohmann::json::parse(R"({"name": "small", "model": {"model_type": "llama", "_name_or_path": "tiny", "hidden_size": 24,
    "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 3, "vocab_size": 61}, "processor": "cpu",
    "nodes": 1, "processors_per_node": 8, "precision": "fp32", "sequence_length": 16, "micro_batch_size": 2,
    "gradient_accumulation_steps": 1, "recompute": "layers", "attention": "flash", "tokens": "t.npy",
    "deepspeed_config": {"train_batch_size": 16, "train_micro_batch_size_per_gpu": 2, "gradient_clipping": 1.0,
      "optimizer": {"type": "AdamW", "params": {"lr": 1e-2}}, "zero_optimization": {"stage": 3}}})");
}

// A folder with t.npy, a text of 61 ids in which each follows from the one before, and small.json.
struct small_folder : scratch_folder {
  small_folder() {
    std::vector<std::int32_t> ids(5000);
    for (std::size_t i = 1; i < ids.size(); ++i) ids[i] = (ids[i - 1] * 7 + 3) % 61;
    trainer::write_npy(*this / "t.npy", trainer::npy_type::i8, ids);
    write(small_case());
  }
  void write(nlohmann::json const& what) const { file("small.json", what.dump()); }
};

inline std::vector<nlohmann::json> json_lines_of(std::string const& text) {
  std::vector<nlohmann::json> all;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) all.push_back(nlohmann::json::parse(line));
  return all;
}

// What of a run does not depend on time: loss, norm and tokens of every step, digit by digit.
inline std::string trace_of(std::string const& steps) {
  std::string trace;
  for (auto const& step : json_lines_of(steps)) {
    for (auto const* key : {"step", "loss", "grad_norm", "tokens", "learning_rate"}) trace += step[key].dump() + ' ';
    trace += '\n';
  }
  return trace;
}

}  // namespace trainer_test
