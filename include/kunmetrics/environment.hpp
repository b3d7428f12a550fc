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

  struct hana_accessors_impl {
    static constexpr auto apply() {
      using self = environment;
      return fields<field<"machine_model", &self::machine_model>, field<"accelerator", &self::accelerator>,
                    field<"cpu", &self::cpu>, field<"memory", &self::memory>, field<"network", &self::network>,
                    field<"os", &self::os>, field<"kernel", &self::kernel>, field<"driver", &self::driver>,
                    field<"docker_image", &self::docker_image>, field<"framework", &self::framework>,
                    field<"dependencies", &self::dependencies>>();
    }
  };
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
