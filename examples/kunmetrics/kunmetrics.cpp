// kunmetrics: the calculators on the command line. With --json, stdout is one object and nothing else;
// unusable arguments or input are one line on stderr and exit 2.
#include "audit_command.hpp"
#include "device_command.hpp"
#include "memory_command.hpp"
#include "mfu_command.hpp"
#include "model_command.hpp"
#include "plan_command.hpp"
#include "project_command.hpp"
#include "report_command.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>

namespace {

// Adds a subcommand that makes itself what `chosen` runs when it is the one that was given.
template <typename Command>
void add(CLI::App& app, Command& command, std::string const& name, std::string const& description, bool& as_json,
         std::function<void()>& chosen) {
  auto* const sub = app.add_subcommand(name, description);
  sub->add_flag("--json", as_json, "one JSON object on stdout");
  command.add_to(*sub);
  sub->callback([&] { chosen = [&] { command.run(as_json); }; });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Numbers of large-model training that carry their unit, convention and peak."};
  app.name("kunmetrics");
  app.require_subcommand(1);
  bool as_json = false;
  std::function<void()> chosen;
  tool::model_command model;
  tool::mfu_command mfu;
  add(app, model, "model", "parameters and FLOP per token of a model, under every convention", as_json, chosen);
  tool::device_command device;
  tool::audit_command audit;
  add(app, audit, "audit", "what a training log claims, held against its own facts and restated", as_json, chosen);
  add(app, device, "device", "peaks of a device with their sources", as_json, chosen);
  add(app, mfu, "mfu", "a measured rate as MFU and HFU, under every convention", as_json, chosen);
  tool::memory_command memory;
  tool::plan_command plan;
  tool::project_command project;
  add(app, memory, "memory", "what a processor holds of a case, by part", as_json, chosen);
  add(app, plan, "plan", "what a step of a case is, and the least time it can take", as_json, chosen);
  add(app, project, "project", "what training so many tokens would take at an assumed rate", as_json, chosen);
  tool::report_command report;
  add(app, report, "report", "the report of a run from the log of its steps, in one of seven formats", as_json, chosen);
  try {
    app.parse(argc, argv);
    chosen();
    if (!std::cout.flush()) throw std::runtime_error{"standard output: needed to take the result, it did not"};
  } catch (CLI::CallForHelp const& help) {
    return app.exit(help);
  } catch (std::exception const& error) {
    std::cerr << "kunmetrics" << (app.get_subcommands().empty() ? "" : " " + app.get_subcommands().front()->get_name()) << ": " << error.what() << '\n';
    return 2;
  }
}
