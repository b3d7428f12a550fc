// What a run ran on and with: the fields of FlagPerf's case document, a Hana Struct.
//
// A field that nobody stated and nothing reported is empty; none is ever guessed. io/ has what
// reads a machine's own.
#pragma once

#include <kunmetrics/fields.hpp>

#include <optional>
#include <string>

namespace kunmetrics {

struct environment {
  using text = std::optional<std::string>;

  text machine_model;
  text accelerator;
  text cpu;
  text memory;
  text network;  // between nodes: its kind and bandwidth
  text os;
  text kernel;
  text driver;  // the accelerator's
  text docker_image;
  text framework;
  text dependencies;

  using hana_accessors_impl = fields<
      field<"machine_model", &environment::machine_model>, field<"accelerator", &environment::accelerator>,
      field<"cpu", &environment::cpu>, field<"memory", &environment::memory>, field<"network", &environment::network>,
      field<"os", &environment::os>, field<"kernel", &environment::kernel>, field<"driver", &environment::driver>,
      field<"docker_image", &environment::docker_image>, field<"framework", &environment::framework>,
      field<"dependencies", &environment::dependencies>>;
};

// What was stated, and where nothing was, what was found.
inline environment completed(environment stated, environment const& found) {
  boost::hana::for_each(boost::hana::accessors<environment>(), [&](auto const& pair) {
    auto const& member = boost::hana::second(pair);
    if (!member(stated)) member(stated) = member(found);
  });
  return stated;
}

}  // namespace kunmetrics
