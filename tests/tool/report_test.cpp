// kunmetrics report as a person runs it: seven formats from one log of steps.
#include <kunmetrics/io/json_lines.hpp>

#include "../trainer/program.hpp"
#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace kunmetrics;
using namespace kunmetrics::units;
using trainer_test::content;
using trainer_test::run_program;
using trainer_test::scratch_folder;

namespace {
std::string const program = KUNMETRICS_PROGRAM;
std::string const r300 = CASES_DIR "/r300_1x8.json";

void write_steps(scratch_folder const& folder, int count) {
  json_lines log{folder / "steps.jsonl", {.lines = 1000}};
  for (int i = 1; i <= count; ++i) {
    step_record record{
        .step = i * step, .time = 6.0 * second, .tokens = 49152 * token, .loss = 5.0 + 1.0 / i, .warm_up = i <= 2};
    record.phases[1] = 2.0 * second;
    record.phases[2] = 3.5 * second;
    log.append(record);
  }
}

std::string output(scratch_folder const& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "report");
  auto const result = run_program(folder, program, arguments);
  CHECK(result.code == 0);
  CHECK(result.err == "");
  return result.out;
}
}  // namespace

TEST_CASE("without a case: what the steps say, and why the rest is not there") {
  scratch_folder const folder;
  write_steps(folder, 12);
  auto const said = json::parse(output(folder, {"steps.jsonl", "--format", "json"}));
  CHECK(said["steps"] == json{{"value", 10}, {"unit", "step"}});
  CHECK(said["warm_up_steps"]["value"] == 2);
  CHECK(said["tokens_per_second"]["value"].get<double>() == doctest::Approx(8192));
  CHECK(said["tokens_per_processor_second"] ==
        json{{"value", nullptr},
             {"unit", "token/(processor s)"},
             {"reason", "the steps do not say how many processors made them: give --case"}});
  CHECK(json::parse(output(folder, {"steps.jsonl", "--json"})) == said);
  auto const metrics = output(folder, {"steps.jsonl", "--format", "prometheus"});
  CHECK(metrics.find("\nkunmetrics_tokens_total 491520\n") != std::string::npos);
  CHECK(metrics.find("\nkunmetrics_step_time_p50_seconds 6\n") != std::string::npos);
  auto const table = output(folder, {"steps.jsonl", "--format", "csv"});
  CHECK(table.starts_with("step (step),time (s),"));
  CHECK(std::count(table.begin(), table.end(), '\n') == 13);
  auto const trace = json::parse(output(folder, {"steps.jsonl", "--format", "trace"}));
  CHECK(trace["traceEvents"].size() == 2 + 12 * 5);
}

TEST_CASE("with the case: the rate of a processor, MFU by convention, of the case's peak with its source") {
  scratch_folder const folder;
  write_steps(folder, 12);
  auto const run = json::parse(output(folder, {"steps.jsonl", "--format", "json", "--case", r300}));
  CHECK(run["tokens_per_processor_second"]["value"].get<double>() == doctest::Approx(1024));
  CHECK(run["mfu"]["palm"]["value"].get<double>() == doctest::Approx(1024 * 40.447771e9 / 128e12).epsilon(1e-6));
  CHECK(run["mfu"]["palm"]["peak"]["source"].get<std::string>().find("R480-X8") != std::string::npos);
  CHECK(run["hfu"]["palm"]["recompute"] == "layers");
  CHECK(run["global_batch_size"]["value"] == 96);
  auto const table = output(folder, {"steps.jsonl", "--format", "flagperf", "--case", r300});
  CHECK(table.find("| MPE=512 LBS=12 | 1024.0 [") != std::string::npos);
  CHECK(table.starts_with("### Kunlunxin R300"));
  CHECK(output(folder, {"steps.jsonl", "--case", r300}).find("* Performance") != std::string::npos);
  auto const page = output(folder, {"steps.jsonl", "--format", "html", "--case", r300});
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(page.find("<dt>tokens/p/s</dt><dd>1024.0</dd>") != std::string::npos);
  CHECK(output(folder, {"steps.jsonl", "--format", "prometheus", "--case", r300})
            .find("\nkunmetrics_tokens_per_processor_second 1024\n") != std::string::npos);
}

TEST_CASE("a monitor's readings beside the steps: memory in the table, charts in the page") {
  scratch_folder const folder;
  write_steps(folder, 3);
  std::istringstream lines{content(folder / "steps.jsonl")};
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    line.pop_back();  // the brace that ends the object
    text += line + R"(,"device":{"cards":8,"memory_used":31138512896,"memory_total":34359738368,"power":600.0}})" "\n";
  }
  folder.file("steps.jsonl", text);
  auto const table = output(folder, {"steps.jsonl", "--case", r300});
  CHECK(table.find("29.00/32.00 [") != std::string::npos);
  CHECK(table.find("read by a monitor: the highest reading in the log of steps") != std::string::npos);
  auto const page = output(folder, {"steps.jsonl", "--format", "html", "--case", r300});
  CHECK(page.find("<figcaption>Memory ") != std::string::npos);
  CHECK(page.find("<figcaption>Power ") != std::string::npos);
  CHECK(page.find("<figcaption>Temperature ") == std::string::npos);
}

TEST_CASE("another peak and another number of processors are said on the command line") {
  scratch_folder const folder;
  write_steps(folder, 12);
  auto const run = json::parse(
      output(folder, {"steps.jsonl", "--format", "json", "--case", r300, "--processors", "16", "--peak", "256e12"}));
  CHECK(run["tokens_per_processor_second"]["value"].get<double>() == doctest::Approx(512));
  CHECK(run["peak"]["value"] == 256e12);
  CHECK(run["peak"]["source"] == "stated on the command line");
  auto const hidden = json::parse(output(folder, {"steps.jsonl", "--format", "json", "--case", r300, "--peak", "0"}));
  CHECK(hidden["mfu"]["palm"]["value"].is_null());
}

TEST_CASE("a run of fewer layers is reported with their FLOP, and says that it was one") {
  scratch_folder const folder;
  write_steps(folder, 12);
  auto const run =
      json::parse(output(folder, {"steps.jsonl", "--format", "json", "--case", r300, "--layers", "2"}));
  CHECK(run["model"] == "llama2-7b, 2 layers");
  // PaLM: 6 N + 12 L H Q T of two layers, N without the embedding but with the head
  double const parameters = 2.0 * (4 * 4096 * 4096 + 3 * 4096 * 11008 + 2 * 4096) + 4096 + 32000.0 * 4096;
  double const of_token = 6 * parameters + 12.0 * 2 * 4096 * 512;
  CHECK(run["mfu"]["palm"]["value"].get<double>() == doctest::Approx(1024 * of_token / 128e12).epsilon(1e-6));
  CHECK(run["notes"].back()["en"] == "2/32 layers of the model, at its full width");
  CHECK(output(folder, {"steps.jsonl", "--case", r300, "--layers", "2"})
            .find("2/32 layers of the model, at its full width") != std::string::npos);
  CHECK(output(folder, {"steps.jsonl", "--format", "flagperf", "--case", r300, "--layers", "2"}).find("2/32层") !=
        std::string::npos);
  auto const refused = run_program(folder, program, {"report", "steps.jsonl", "--case", r300, "--layers", "33"});
  CHECK(refused.code == 2);
  CHECK(refused.err == "kunmetrics report: --layers: needed at most the model's 32, found 33\n");
  auto const alone = run_program(folder, program, {"report", "steps.jsonl", "--format", "json", "--layers", "2"});
  CHECK(alone.code == 2);
  CHECK(alone.err == "kunmetrics report: --layers: needed --case, whose model has them, found none\n");
}

TEST_CASE("what pauses were for is not in the log, and the report says so where there are any") {
  scratch_folder const folder;
  write_steps(folder, 3);
  auto const without = output(folder, {"steps.jsonl", "--format", "json", "--case", r300});
  CHECK(json::parse(without)["notes"].size() == 1);
  {
    json_lines log{folder / "paused.jsonl"};
    for (int i = 1; i <= 3; ++i) {
      log.append(step_record{.step = i * step, .time = 6.0 * second, .tokens = 49152 * token,
                             .paused = (i == 3 ? 2.5 : 0.0) * second});
    }
  }
  auto const run = json::parse(output(folder, {"paused.jsonl", "--format", "json", "--case", r300}));
  CHECK(run["goodput"]["paused"]["value"].get<double>() == doctest::Approx(2.5));
  CHECK(run["goodput"]["checkpoint"]["value"] == 0);
  CHECK(run["notes"].back()["en"].get<std::string>().starts_with("pauses between steps, 2.5 s in all: the log of steps "
                                                                 "does not say what for"));
}

TEST_CASE("a log that a kill cut is reported up to its last whole line, and said to be cut") {
  scratch_folder const folder;
  write_steps(folder, 12);
  auto text = content(folder / "steps.jsonl");
  folder.file("steps.jsonl", text.substr(0, text.size() - 30));
  auto const result = run_program(folder, program, {"report", "steps.jsonl", "--format", "json"});
  CHECK(result.code == 0);
  CHECK(result.err == "note: steps.jsonl: its last line has no end and is left out\n");
  CHECK(json::parse(result.out)["steps"]["value"] == 9);
}

TEST_CASE("a report in a file is whole or not there; what cannot be reported is one line and exit 2") {
  scratch_folder const folder;
  write_steps(folder, 3);
  CHECK(output(folder, {"steps.jsonl", "--format", "csv", "--out", "table.csv"}) == "");
  CHECK(content(folder / "table.csv") == output(folder, {"steps.jsonl", "--format", "csv"}));
  auto const refused = [&](std::vector<std::string> arguments, std::string const& message) {
    arguments.insert(arguments.begin(), "report");
    auto const result = run_program(folder, program, arguments);
    CHECK(result.code == 2);
    CHECK(result.out == "");
    CHECK(result.err == "kunmetrics report: " + message + "\n");
  };
  refused({"steps.jsonl", "--format", "html"},
          "--case: needed the case for --format html: model, cluster and batch sizes, found none");
  refused({"none.jsonl"}, "none.jsonl: needed a readable file, found none");
  folder.file("bad.jsonl", "{\"step\":1,\"time\":1}\nnothing\n");
  refused({"bad.jsonl", "--format", "json"}, "bad.jsonl:2: needed an object, found nothing");
  refused({"steps.jsonl", "--format", "csv", "--out", "none/table.csv"},
          "none/table.csv: needed a folder to write in, received No such file or directory");
  auto const unknown = run_program(folder, program, {"report", "steps.jsonl", "--format", "xml"});
  CHECK(unknown.code == 2);
  CHECK(unknown.err.starts_with("kunmetrics report: --format: xml not in {"));
}
