// The one line that a running job rewrites on a terminal, as wide as the terminal and no wider.
//
//   step 12/200  loss 5.2731  3564.0 ± 12.1 tokens/p/s  MFU(palm) 52.64 % of 312 TFLOP/s fp16  29.00 GiB
//   ETA 0:03:36  [######....................................................]
// What does not fit goes, the least wanted first: the bar, then memory, the time to go, the utilization, the
// rate, the loss. No number is left without its unit, and no utilization without convention and peak.
#pragma once

#include <kunmetrics/io/markdown.hpp>
#include <kunmetrics/io/text.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace kunmetrics {

// "0:03:36", "26:00:00"; "-" for what is no time.
inline std::string clock_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e9) return "-";
  auto const whole = static_cast<std::int64_t>(std::llround(seconds));
  auto text = std::to_string(whole / 3600);
  for (auto const part : {whole / 60 % 60, whole % 60})
    text.append(part < 10 ? ":0" : ":").append(std::to_string(part));
  return text;
}

// "[####......]" of exactly `columns`; empty below the least that shows anything.
inline std::string progress_bar(double done, std::size_t columns) {
  if (columns < 6) return {};
  auto const room = columns - 2;
  auto const share = std::isfinite(done) ? std::clamp(done, 0.0, 1.0) : 0.0;
  auto const full = static_cast<std::size_t>(share * static_cast<double>(room));
  std::string bar(columns, '.');
  bar.front() = '[';
  bar.back() = ']';
  std::fill_n(bar.begin() + 1, full, '#');
  return bar;
}

// The pieces in their order, two spaces between, without as many as it takes to fit: those of the highest
// `rank` go first.
struct line_piece {
  std::string text;
  int rank = 0;
};
inline std::string fitted(std::vector<line_piece> pieces, std::size_t columns) {
  std::erase_if(pieces, [](line_piece const& piece) { return piece.text.empty(); });
  auto const line = [&] {
    std::string text;
    for (auto const& piece : pieces) text.append(text.empty() ? "" : "  ").append(piece.text);
    return text;
  };
  while (pieces.size() > 1 && display_width(line()) > columns)
    pieces.erase(std::ranges::max_element(pieces, {}, &line_piece::rank));
  return line();
}

// What the line says beside the step; what is not known is left out, or "-" where one looks for it.
template <typename Work>
struct terminal_values {
  count_of<units::step> total{};
  maybe<token_rate_t> rate = absent{"nothing measured"};
  std::optional<token_rate_t> half_width{};  // of the rate's 95 % interval
  maybe<utilization<Work>> use = absent{"nothing measured"};
  std::optional<quantity_of<units::byte>> memory{};
  std::optional<quantity_of<units::second>> mean_step{};  // for the time to go
};

template <typename Work>
std::string terminal_line(step_record const& record, terminal_values<Work> const& values, std::size_t columns) {
  auto const step = record.step.coherent();
  auto const total = values.total.coherent();
  auto rate = values.rate ? significant(values.rate->coherent(), 5) : "-";
  if (values.rate && values.half_width) rate += " \u00b1 " + significant(values.half_width->coherent(), 3);
  auto const to_go = values.mean_step ? clock_text(values.mean_step->coherent() *
                                                   static_cast<double>(std::max<std::int64_t>(0, total - step)))
                                      : "-";
  std::vector<line_piece> pieces{
      {"step " + std::to_string(step) + '/' + std::to_string(total), 0},
      {record.skipped ? "skipped" : "loss " + (record.loss ? formatted(*record.loss, 4) : "-"), 1},
      {rate + " tokens/p/s", 2},
      {utilization_name<Work>() + ' ' +
           (values.use ? percentage(values.use->ratio) + " of " + formatted(values.use->peak) : "-"),
       3},
      {values.memory ? formatted(*values.memory, units::GiB, 2) + " GiB" : "", 5},
      {"ETA " + to_go, 4}};
  auto const text = fitted(std::move(pieces), columns);
  auto const taken = display_width(text) + 2;
  auto const bar = taken < columns
                       ? progress_bar(total > 0 ? static_cast<double>(step) / static_cast<double>(total) : 0,
                                      std::min<std::size_t>(columns - taken, 60))
                       : "";
  return bar.empty() ? text : text + "  " + bar;
}

}  // namespace kunmetrics
