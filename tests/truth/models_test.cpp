// The registry's sizes against those collected in shapes.json, for every name that both have.
#include "shapes.hpp"

#include <kunmetrics/models.hpp>

#include <doctest/doctest.h>

using namespace kunmetrics;

TEST_CASE("every named model that was collected has its collected sizes") {
  json_document const document{truth::folder() / "shapes.json"};
  int compared = 0;
  for (transformer const& model : models::all) {
    CAPTURE(model.name);
    auto const found = document.tree().find(model.name);
    if (found == document.tree().end()) continue;
    ++compared;
    json_value const& shape = *found;
    auto const size = [&](char const* key) { return shape.at(key).get<std::int64_t>(); };
    CHECK(model.layers == size("L"));
    CHECK(model.hidden == size("d"));
    CHECK(model.heads == size("H"));
    CHECK(model.kv_heads == size("KV"));
    CHECK(model.head_size == size("hd"));
    bool const says_width = size("ff") != 0 && size("E") == 0;  // of experts it is what other tools made of it
    if (says_width) CHECK(model.ffn == size("ff"));
    bool const multi_modal = model.name.ends_with("-text");  // keras's vocabulary there is 64 shorter
    CHECK(model.vocabulary == size("V") + (multi_modal ? 64 : 0));
    CHECK(model.moe.experts == size("E"));
    CHECK(model.moe.active == size("k"));
    CHECK(model.tied_embedding == shape.at("tied").get<bool>());
  }
  CHECK(compared == 127);
}
