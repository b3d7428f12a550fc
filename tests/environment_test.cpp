#include <kunmetrics/environment.hpp>

#include <doctest/doctest.h>

#include <vector>

namespace {
using namespace kunmetrics;

// Every field holds its own name behind a prefix.
environment filled_with(std::string const& prefix) {
  environment made;
  boost::hana::for_each(boost::hana::accessors<environment>(), [&](auto const& pair) {
    boost::hana::second(pair)(made) = prefix + boost::hana::first(pair).c_str();
  });
  return made;
}
}  // namespace

TEST_CASE("the fields are those of FlagPerf's document, in its order, and memory") {
  std::vector<std::string> names;
  for_each_field(environment{}, [&](std::string_view name, environment::text const& text) {
    names.emplace_back(name);
    CHECK(!text);
  });
  CHECK(names == std::vector<std::string>{"machine_model", "accelerator", "cpu", "memory", "network", "os", "kernel",
                                          "driver", "docker_image", "framework", "dependencies"});
  auto const own = filled_with("my ");
  CHECK(own.machine_model == "my machine_model");
  CHECK(own.accelerator == "my accelerator");
  CHECK(own.cpu == "my cpu");
  CHECK(own.memory == "my memory");
  CHECK(own.network == "my network");
  CHECK(own.os == "my os");
  CHECK(own.kernel == "my kernel");
  CHECK(own.driver == "my driver");
  CHECK(own.docker_image == "my docker_image");
  CHECK(own.framework == "my framework");
  CHECK(own.dependencies == "my dependencies");
}

TEST_CASE("every field of nothing stated is what was found") {
  for_each_field(completed({}, filled_with("found ")), [](std::string_view name, environment::text const& text) {
    CHECK(text == "found " + std::string{name});
  });
}

TEST_CASE("what was stated wins, field by field") {
  for_each_field(
      completed(filled_with("stated "), filled_with("found ")),
      [](std::string_view name, environment::text const& text) { CHECK(text == "stated " + std::string{name}); });

  auto const mixed = completed({.accelerator = "R300", .driver = "4.23"}, {.accelerator = "cpu", .os = "Debian 12"});
  CHECK(mixed.accelerator == "R300");
  CHECK(mixed.driver == "4.23");
  CHECK(mixed.os == "Debian 12");
  CHECK(!mixed.network);  // neither stated nor found
}
