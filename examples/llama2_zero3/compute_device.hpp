// Where the units of a run compute: on this machine's CPU, or on its cards of CUDA, of which every rank has its own.
//
//   cpu      our own operators, or libtorch's
//   cuda     libtorch, rank by rank on the cards of its host, in the order of both
//   cuda:K   libtorch, on this card, for the one rank of its host
// Two ranks on one card would each be held against the peak of a whole one, so that is refused.
#pragma once

#include <kunmetrics/io/json_document.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace trainer {

struct compute_device {
  bool on_card = false;
  int named = -1;  // the card that was named; negative: none was

  // The card of the rank that is the so-many-th of its host; empty: it computes on the CPU.
  constexpr std::optional<int> card_of(int local_rank) const {
    if (!on_card) return std::nullopt;
    return named >= 0 ? named : local_rank;
  }
  friend constexpr bool operator==(compute_device const&, compute_device const&) = default;
};

// Of "cpu", "cuda" or "cuda:K"; empty for another text.
inline std::optional<compute_device> compute_device_of(std::string_view text) {
  if (text == "cpu") return compute_device{};
  if (text == "cuda") return compute_device{.on_card = true};
  constexpr std::string_view numbered = "cuda:";
  if (!text.starts_with(numbered)) return std::nullopt;
  auto const digits = text.substr(numbered.size());
  int card = 0;
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), card);
  if (error != std::errc{} || end != digits.data() + digits.size() || card < 0) return std::nullopt;
  return compute_device{.on_card = true, .named = card};
}

inline std::string described(compute_device const& device) {
  if (!device.on_card) return "cpu";
  return device.named >= 0 ? "cuda:" + std::to_string(device.named) : "cuda";
}

// Throws input_error unless each of `ranks` on this host has one of its `cards`.
inline void require_cards(compute_device const& device, std::int64_t ranks, int cards) {
  if (!device.on_card) return;
  auto const refuse = [&](std::string const& needed, std::string const& found) {
    throw kunmetrics::input_error{kunmetrics::detail::needed_found("--device " + described(device), needed, found)};
  };
  if (cards == 0) refuse("a card that libtorch finds, and a libtorch with CUDA", "none");
  if (device.named >= cards) refuse("one of cuda:0 to cuda:" + std::to_string(cards - 1), described(device));
  auto const usable = device.named >= 0 ? 1 : cards;
  if (ranks > usable) refuse("a card for each of the " + std::to_string(ranks) + " ranks on this host", std::to_string(usable));
}

}  // namespace trainer
