// A fault that a test wants of one rank at one place, to see that the others stop.
//
// A program started with LLAMA2_ZERO3_FAULT="hang:1:7:layer0" hangs rank 1 when it comes to a collective for unit
// layer0 of step 7. Kinds: throw, hang, die (SIGKILL), nan (what it sends of its gradients there is NaN), delay (50 ms
// there in that step and in every later one: with unit data, a rank whose loader is slow).
// Without the variable there is none.
#pragma once

#include "communicator.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace trainer {

enum class fault_kind { throws, hangs, dies, sends_nan, delays };

struct fault {
  fault_kind kind;
  int rank;
  std::int64_t step;
  std::string unit;

  bool at(int here, run_position const& position) const {
    bool const now = kind == fault_kind::delays ? position.step >= step : position.step == step;
    return here == rank && now && position.name() == unit;
  }

  // Does to this rank what is wanted; nan is for whoever sends.
  void strike() const {
    if (kind == fault_kind::throws) throw std::runtime_error("a fault that was asked for");
    if (kind == fault_kind::dies) std::raise(SIGKILL);
    if (kind == fault_kind::delays) std::this_thread::sleep_for(std::chrono::milliseconds{50});
    while (kind == fault_kind::hangs) std::this_thread::sleep_for(std::chrono::seconds{1});
  }
};

// Throws std::invalid_argument for a text that is none of the above.
inline fault fault_of(std::string_view text) {
  constexpr std::array<std::string_view, 5> kinds{"throw", "hang", "die", "nan", "delay"};
  std::array<std::string_view, 3> part;
  auto rest = text;
  for (auto& each : part) {
    auto const end = rest.find(':');
    each = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  fault wanted{.kind = {}, .rank = -1, .step = -1, .unit = std::string{rest}};
  bool known = false;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (part[0] == kinds[i]) wanted.kind = static_cast<fault_kind>(i), known = true;
  }
  std::from_chars(part[1].data(), part[1].data() + part[1].size(), wanted.rank);
  std::from_chars(part[2].data(), part[2].data() + part[2].size(), wanted.step);
  if (known && wanted.rank >= 0 && wanted.step >= 0 && !wanted.unit.empty()) return wanted;
  throw std::invalid_argument("LLAMA2_ZERO3_FAULT: throw|hang|die|nan|delay:RANK:STEP:UNIT needed, received " + std::string{text});
}

// The one that the environment wants.
inline std::optional<fault> const& wanted_fault() {
  static std::optional<fault> const wanted = [] {
    char const* const text = std::getenv("LLAMA2_ZERO3_FAULT");
    return text == nullptr ? std::optional<fault>{} : std::optional{fault_of(text)};
  }();
  return wanted;
}

}  // namespace trainer
