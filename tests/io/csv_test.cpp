#include "../r300_case.hpp"

#include <kunmetrics/io/csv.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
// A user's own struct, with everything that CSV has to escape.
struct row {
  std::string text;
  std::optional<double> number;
  maybe<quantity_of<second>> wait = absent{"no clock, no wait"};
  bool flag = false;
  std::vector<int> list{1, 2};
  using hana_accessors_impl = fields<
      field<"text", &row::text>, field<"number", &row::number>, field<"wait", &row::wait>, field<"flag", &row::flag>,
      field<"list", &row::list>>;
};

// A reader by RFC 4180, written for this test: records of fields.
std::vector<std::vector<std::string>> read_csv(std::string_view text) {
  std::vector<std::vector<std::string>> records(1, std::vector<std::string>(1));
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto& field = records.back().back();
    if (quoted) {
      if (text[i] != '"') {
        field += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[i++];
      } else {
        quoted = false;
      }
    } else if (text[i] == '"') {
      REQUIRE(field.empty());
      quoted = true;
    } else if (text[i] == ',') {
      records.back().emplace_back();
    } else if (text.substr(i, 2) == "\r\n") {
      ++i;
      records.emplace_back(1);
    } else {
      REQUIRE(text[i] != '\n');
      field += text[i];
    }
  }
  REQUIRE_FALSE(quoted);
  REQUIRE(records.back() == std::vector<std::string>(1));  // the last record ends with CRLF too
  records.pop_back();
  return records;
}
}  // namespace

TEST_CASE("a step's columns carry their units, phases one each") {
  CHECK(csv_header<step_record>().starts_with(
      "step (step),time (s),tokens (token),loss (1),grad_norm (1),learning_rate (1),"));
  CHECK(csv_header<step_record>().find(",phases.data (s),phases.forward (s),") != std::string::npos);
  step_record record{.step = 3 * step, .time = 1.5 * second, .tokens = 49152 * token, .loss = 2.25,
                     .grad_norm = std::numeric_limits<double>::quiet_NaN(), .learning_rate = 3e-4, .skipped = true};
  record.phases[1] = 0.5 * second;
  CHECK(csv_row(record).starts_with("3,1.5,49152,2.25,,3e-04,,true,false,0.0,0.5,0.0,"));
  std::vector const records{record, record};
  auto const read = read_csv(csv_of(records));
  REQUIRE(read.size() == 3);
  CHECK(read[0].size() == read[1].size());
}

TEST_CASE("commas, quotes and line breaks come back as they were; what is absent says why") {
  for (std::string const text : {"plain", "a,b", "say \"x\"", "two\r\nlines\n", "", "\""}) {
    std::vector const rows{row{.text = text, .number = 0.1}};
    auto const read = read_csv(csv_of(rows));
    REQUIRE(read.size() == 2);
    CHECK(read[0] == std::vector<std::string>{"text", "number (1)", "wait (s)", "wait reason", "flag", "list"});
    CHECK(read[1] == std::vector<std::string>{text, "0.1", "", "no clock, no wait", "false", "[1,2]"});
  }
  CHECK(read_csv(csv_row(row{.wait = 2.0 * second}))[0] ==
        std::vector<std::string>{"", "", "2.0", "", "false", "[1,2]"});
}

TEST_CASE("a summary's utilizations stand beside their peak and its source") {
  constexpr auto const& run = r300_case;
  meter const measured{run, tokens_per_processor_second, mfu<flops::palm>, hfu<flops::palm, recompute::layers>};
  std::vector const runs{summary_of(measured)};
  auto const read = read_csv(csv_of(runs));
  auto const column = [&](std::string_view name) {
    auto const at = std::ranges::find(read[0], name) - read[0].begin();
    REQUIRE(at < static_cast<std::ptrdiff_t>(read[0].size()));
    return read[1][static_cast<std::size_t>(at)];
  };
  CHECK(column("peak (flop/(processor s))") == "1.28e+14");
  CHECK(column("peak.precision") == "fp16");
  CHECK(column("peak.source") == devices::kunlunxin_r300.peaks[0]->source);
  CHECK(column("global_batch_size (sample/step)") == "96");
  CHECK(column("mfu.palm (1)").empty());
  CHECK(column("mfu.palm reason") == "no step has been measured after warm-up");
  CHECK(column("mfu.palm.peak.source").empty());
  CHECK(column("hfu.palm (1)").empty());
  CHECK(column("step_time.p50 (s)").empty());
  CHECK(column("tokens_per_processor_second (token/(processor s))").empty());
}
