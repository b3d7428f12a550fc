// llama2-7b whole on one large GPU: tokens/s, MFU under every convention, HFU, memory predicted and measured, losses.
//
//   one_gpu [--device cuda] [--precision bf16|fp16] [--samples 1] [--sequence-length 4096] [--steps 100]
//           [--recompute layers|none] [--layers 32] [--tiny 1] [--peak FLOP/s] [--seed 1] [--blas-tuning off|on]
// Prints one JSON object. Tokens are drawn with a skew, so that there is something to learn. Everything but the
// losses is over the steps after the first five. What needs more memory than a CPU has free, or a card has at all, is
// refused with its parts before anything is allocated; what others hold of a card shows in libtorch's own message.
#include "../available_memory.hpp"
#include "device_training.hpp"
#include "fastest_blas.hpp"

#include <kunmetrics.hpp>
#include <kunmetrics/io/text.hpp>
#include <kunmetrics/torch.hpp>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace {
namespace km = kunmetrics;
using namespace km::units;
using namespace trainer;

using arguments = std::map<std::string, std::string>;

arguments parsed(int argc, char** argv) {
  arguments all{{"device", "cuda"}, {"precision", "bf16"}, {"samples", "1"}, {"sequence-length", "4096"}, {"steps", "100"},
                {"recompute", "layers"}, {"layers", "32"}, {"tiny", "0"}, {"peak", "0"}, {"seed", "1"},
                {"blas-tuning", "off"}};
  for (int i = 1; i < argc; i += 2) {
    std::string const name = argv[i];
    if (!name.starts_with("--") || !all.contains(name.substr(2)) || i + 1 == argc) {
      throw std::invalid_argument("an option and its value needed, received " + name);
    }
    all[name.substr(2)] = argv[i + 1];
  }
  return all;
}

std::int64_t count(arguments const& given, std::string const& name) {
  auto const& text = given.at(name);
  char* end = nullptr;
  long long const value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < 0) throw std::invalid_argument("--" + name + ": a count needed, received " + text);
  return value;
}

std::string choice(arguments const& given, std::string const& name, std::string const& a, std::string const& b) {
  auto const& text = given.at(name);
  if (text != a && text != b) throw std::invalid_argument("--" + name + ": " + a + " or " + b + " needed, received " + text);
  return text;
}

km::transformer model_of(arguments const& given) {
  auto model = km::models::llama2_7b;
  if (count(given, "tiny") > 0) {
    model = {.name = "tiny llama", .layers = 2, .hidden = 64, .heads = 4, .kv_heads = 4, .head_size = 16, .ffn = 128, .vocabulary = 211};
  } else if (auto const layers = count(given, "layers"); layers != model.layers) {
    model.layers = layers;
    model.nominal_parameters = 0;  // a slice has no advertised size
  }
  return model;
}

llama_shape shape_of(km::transformer const& m) {
  return {.layers = m.layers, .hidden = m.hidden, .heads = m.heads, .kv_heads = m.kv_heads, .head_size = m.head_size,
          .ffn = m.ffn, .vocabulary = m.vocabulary};
}

// The device's entry where its name is in the table, with its peak replaced by one that the user gives.
km::device processor_of(at::Device device, km::precision at, double peak) {
  km::device found{.name = "unnamed"};
  if (auto const known = km::device_of(device)) found = *known;
  if (peak > 0) found.peaks = {km::peak_rate{at, peak * flop / (processor * second), "the command line"}};
  return found;
}

void print_ratio(char const* end, std::string_view name, auto const& use) {
  if (use) {
    std::printf("%s\"%.*s\": %.6f", end, static_cast<int>(name.size()), name.data(), use->ratio.in(one));
  } else {
    std::printf("%s\"%.*s\": null", end, static_cast<int>(name.size()), name.data());
  }
}

template <km::recompute Recompute>
void print_utilization(km::training_case const& run, km::token_rate_t rate) {
  char const* end = "\n  \"mfu\": {";
  km::flops::for_each_convention([&]<typename Convention>(Convention) {
    print_ratio(end, Convention::name, km::mfu<Convention>(run, rate));
    end = ", ";
  });
  end = "},\n  \"hfu\": {";
  km::flops::for_each_convention([&]<typename Convention>(Convention) {
    if constexpr (km::layered_convention<Convention>) {
      print_ratio(end, Convention::name, km::hfu<Convention, Recompute>(run, rate));
      end = ", ";
    }
  });
  std::printf("},\n");
}

// The fastest library for the run's products, used from here on, where there is a choice.
std::optional<blas_tuning> tuned(at::Device device, at::ScalarType type, llama_shape const& shape,
                                 micro_batch const& batch, bool recompute) {
  auto libraries = blas_libraries(device);
  if (libraries.empty()) {
    std::fprintf(stderr, "note: this libtorch has no choice of libraries on %s\n", device.str().c_str());
    return std::nullopt;
  }
  auto const found = fastest_blas(std::move(libraries), step_products(shape, batch, recompute),
                                  [&](step_product const& product) { return seconds_of_product(product, device, type); });
  std::fputs(blas_table(found).c_str(), stderr);
  return found;
}

void print_memory(std::int64_t predicted, km::maybe<km::memory_use> const& use) {
  std::printf("  \"memory\": {\"predicted_bytes\": %lld, ", static_cast<long long>(predicted));
  if (!use) return static_cast<void>(std::printf("\"peak_bytes\": null, \"reason\": \"%s\"},\n", use.reason().data()));
  std::printf("\"allocated_bytes\": %lld, \"peak_bytes\": %lld, \"reserved_bytes\": %s, \"counted_by\": \"%s\"},\n",
              static_cast<long long>(use->bytes), static_cast<long long>(use->peak_bytes),
              use->reserved_bytes ? std::to_string(*use->reserved_bytes).c_str() : "null", use->counted_by.data());
}

std::string gibibytes(std::int64_t bytes) { return km::gibibytes(bytes * byte); }

// Their sum; throws std::invalid_argument with each when the device has less.
std::int64_t required(std::vector<device_part> const& parts, at::Device device) {
  std::int64_t sum = 0;
  std::string each;
  for (auto const& [name, bytes] : parts) {
    sum += bytes;
    each.append(each.empty() ? "" : ", ").append(name).append(" ").append(gibibytes(bytes));
  }
  auto room = km::memory_size_of(device).value_or(sum);
  if (device.is_cpu()) room = available_memory().value_or(room);
  if (sum <= room) return sum;
  throw std::invalid_argument("memory: needed " + gibibytes(sum) + " (" + each + "), found " + gibibytes(room) + " on " + device.str());
}

template <class Clock, km::recompute Recompute>
void train(arguments const& given, at::Device device) {
  bool const half = choice(given, "precision", "bf16", "fp16") == "fp16";
  bool const tunes = choice(given, "blas-tuning", "off", "on") == "on";
  auto const model = model_of(given);
  auto const shape = shape_of(model);
  micro_batch const batch{count(given, "samples"), count(given, "sequence-length")};
  auto const at = half ? km::fp16 : km::bf16;
  km::training_case const run{.model = model, .processor = processor_of(device, at, std::atof(given.at("peak").c_str())),
                              .precision = at, .cluster = {.per_node = 1 * processor / node},
                              .micro_batch_size = batch.samples * sample / (replica * micro_step),
                              .sequence_length = batch.positions * token / sample};
  bool const recompute = Recompute == km::recompute::layers;
  auto const parts = device_bytes(shape, batch, recompute);
  auto const predicted = required(parts, device);
  for (auto const& [name, bytes] : parts) {
    std::fprintf(stderr, "%-14.*s %s\n", static_cast<int>(name.size()), name.data(), gibibytes(bytes).c_str());
  }
  auto const steps = count(given, "steps");
  auto const type = half ? at::kHalf : at::kBFloat16;
  auto const tuning = tunes ? tuned(device, type, shape, batch, recompute) : std::nullopt;
  device_training training{shape, batch, device, type, recompute, static_cast<std::uint64_t>(count(given, "seed"))};
  km::basic_meter<Clock, km::tokens_per_processor_second_t> meter{run, {.warm_up = std::min<std::int64_t>(5, steps - 1) * step}, {}};
  std::vector<double> losses;
  for (std::int64_t i = 0; i < steps; ++i) {
    auto const tokens = at::rand({batch.samples, batch.positions}).square().mul(static_cast<double>(shape.vocabulary)).floor().to(device, at::kLong);
    auto running = meter.start();
    running.turn_to(km::phase::forward);
    auto const result = training.step(tokens, 3e-4);
    running.finish({.tokens = batch.rows() * token, .loss = result.loss, .grad_norm = result.grad_norm, .skipped = result.skipped});
    losses.push_back(result.loss);
    std::fprintf(stderr, "step %lld loss %.4f\n", static_cast<long long>(i + 1), result.loss);
  }
  auto const rate = *meter(km::tokens_per_processor_second);
  std::printf("{\"model\": \"%s\", \"device\": \"%s\", \"libtorch\": \"%s\", \"precision\": \"%s\", \"recompute\": \"%s\",\n",
              model.name.data(), run.processor.name.data(), TORCH_VERSION, half ? "fp16" : "bf16", recompute ? "layers" : "none");
  std::printf("  \"samples\": %lld, \"sequence_length\": %lld, \"steps\": %lld, \"tokens_per_processor_second\": %.2f,",
              static_cast<long long>(batch.samples), static_cast<long long>(batch.positions), static_cast<long long>(steps), rate.in(token / (processor * second)));
  print_utilization<Recompute>(run, rate);
  if (auto const peak = km::peak(run.processor, at)) {
    std::printf("  \"peak\": {\"flop_per_second\": %.6g, \"source\": \"%.*s\"},\n", peak->rate.coherent(), static_cast<int>(peak->source.size()), peak->source.data());
  } else {
    std::printf("  \"peak\": null,\n");
  }
  print_memory(predicted, km::device_memory_of(device));
  if (tuning) std::printf("  \"blas\": {\"library\": \"%s\", \"gain\": %.6f},\n", tuning->libraries[tuning->chosen].name.data(), tuning->gain());
  std::printf("  \"loss\": [");
  for (std::size_t i = 0; i < losses.size(); ++i) std::printf("%s%.6f", i == 0 ? "" : ", ", losses[i]);
  std::printf("]}\n");
}

template <class Clock>
void train_with(arguments const& given, at::Device device) {
  if (choice(given, "recompute", "layers", "none") == "layers") return train<Clock, km::recompute::layers>(given, device);
  train<Clock, km::recompute::none>(given, device);
}
}  // namespace

int main(int argc, char** argv) {
  try {
    auto const given = parsed(argc, argv);
    if (count(given, "steps") < 1) throw std::invalid_argument("--steps: at least 1 needed, received 0");
    at::Device device{given.at("device")};
    km::require_device(device);
    if (device.is_cpu()) {
      train_with<km::synchronised_clock<>>(given, device);
    } else {
      train_with<km::synchronised_clock<0>>(given, device);
    }
    return 0;
  } catch (std::exception const& failure) {
    std::string const text = failure.what();
    std::cerr << "one_gpu: " << text.substr(0, text.find('\n')) << std::endl;
    return 2;
  }
}
