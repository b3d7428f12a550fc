#include <kunmetrics/io/json_reader.hpp>

#include <doctest/doctest.h>

#include <array>

namespace {
using namespace kunmetrics;

static_assert(json_object::no_limit == std::numeric_limits<std::int64_t>::max());
static_assert(positive_number.holds(1e-300) && !positive_number.holds(0) && !positive_number.holds(-1));
static_assert(non_negative_number.holds(0) && !non_negative_number.holds(-1e-300));
static_assert(number_below_one.holds(0) && number_below_one.holds(0.999) && !number_below_one.holds(1));
static_assert(any_number.holds(-1e300));

constexpr std::array<std::string_view, 3> recomputations{"none", "layers", "all"};

// What reading one text says; the function receives the root's cursor.
template <typename Read>
std::string refusal(std::string_view text, Read read, null_is nulls = null_is::refused) {
  json_document const document{"case.json", text};
  try {
    auto object = json_object{document}.with(nulls);
    read(object);
  } catch (input_error const& error) {
    return error.what();
  }
  return "accepted";
}

std::string integer_refusal(std::string_view text, std::int64_t least, std::int64_t most = json_object::no_limit) {
  return refusal(text, [&](json_object& fields) { fields.integer("layers", least, most); });
}
std::string whole_refusal(std::string_view text, std::int64_t least = 0) {
  return refusal(text, [&](json_object& fields) { fields.whole("size", least); });
}
std::string number_refusal(std::string_view text, number_requirement const& required) {
  return refusal(text, [&](json_object& fields) { fields.number("rate", required); });
}
}  // namespace

TEST_CASE("every kind of value is read as what it is") {
  json_document const document{"case.json", R"({"layers": 32, "size": 5e8, "rate": 3, "betas": [0.9, 0.95], "tied": false,
                                               "name": "llama2-7b", "recompute": "layers", "model": {"hidden": 4096}})"};
  json_object fields{document};
  CHECK(fields.integer("layers", 1) == 32);
  CHECK(fields.whole("size", 0) == 500'000'000);
  CHECK(fields.number("rate", positive_number) == 3.0);
  CHECK(fields.optional_numbers("betas", 2, number_below_one) == std::vector{0.9, 0.95});
  CHECK(fields.optional_boolean("tied") == false);
  CHECK(fields.text("name") == "llama2-7b");
  CHECK(fields.choice("recompute", recomputations) == 1);
  auto model = fields.optional_object("model");
  REQUIRE(model);
  CHECK(model->integer("hidden", 1) == 4096);
  CHECK(fields.keys() == std::vector<std::string>{"layers", "size", "rate", "betas", "tied", "name", "recompute", "model"});
  fields.finish();
  model->finish();
}

TEST_CASE("a key that is not there is empty, or an error that says what was needed") {
  json_document const document{"case.json", "{}"};
  json_object fields{document};
  CHECK_FALSE(fields.optional_integer("a", 0));
  CHECK_FALSE(fields.optional_whole("a", 0));
  CHECK_FALSE(fields.optional_number("a", any_number));
  CHECK_FALSE(fields.optional_numbers("a", 2, any_number));
  CHECK_FALSE(fields.optional_boolean("a"));
  CHECK_FALSE(fields.optional_text("a"));
  CHECK_FALSE(fields.optional_choice("a", recomputations));
  CHECK_FALSE(fields.optional_object("a"));
  CHECK(integer_refusal("{}", 1) == "case.json: layers: needed an integer of at least 1, found no such key");
  CHECK(integer_refusal("{}", 1, 9) == "case.json: layers: needed an integer from 1 to 9, found no such key");
  CHECK(whole_refusal("{}") == "case.json: size: needed a whole number of at least 0, found no such key");
  CHECK(number_refusal("{}", positive_number) == "case.json: rate: needed a number above 0, found no such key");
  CHECK(refusal("{}", [](json_object& f) { f.text("name"); }) == "case.json: name: needed a string, found no such key");
  CHECK(refusal("{}", [](json_object& f) { f.choice("recompute", recomputations); }) ==
        "case.json: recompute: needed one of none, layers, all, found no such key");
}

TEST_CASE("an integer within its limits, written as an integer") {
  CHECK(integer_refusal(R"({"layers": 1})", 1, 2) == "accepted");
  CHECK(integer_refusal(R"({"layers": 2})", 1, 2) == "accepted");
  CHECK(integer_refusal(R"({"layers": 9223372036854775807})", 1) == "accepted");
  CHECK(integer_refusal(R"({"layers": 0})", 1) == "case.json: layers: needed an integer of at least 1, found 0");
  CHECK(integer_refusal(R"({"layers": -3})", 0) == "case.json: layers: needed an integer of at least 0, found -3");
  CHECK(integer_refusal(R"({"layers": 4})", 0, 3) == "case.json: layers: needed an integer from 0 to 3, found 4");
  // beyond signed 64 bits a wrap would make this one negative
  CHECK(integer_refusal(R"({"layers": 9223372036854775808})", -1) ==
        "case.json: layers: needed an integer of at least -1, found 9223372036854775808");
  for (std::string const found : {"\"32\"", "32.0", "true", "null", "[32]"}) {
    CHECK(integer_refusal("{\"layers\": " + found + "}", 1) ==
          "case.json: layers: needed an integer of at least 1, found " + found);
  }
  CHECK(integer_refusal(R"({"layers": {"of": 32}})", 1) == "case.json: layers: needed an integer of at least 1, found an object");
}

TEST_CASE("arrays of strings, of integers, of anything") {
  json_document const document{"case.json", R"({"words": ["a", "b"], "numbers": [1, -2], "mixed": [["a", 2], {}], "one": "a", "half": [0.5]})"};
  json_object fields{document};
  CHECK(fields.optional_texts("words") == std::vector<std::string>{"a", "b"});
  CHECK(fields.optional_integers("numbers") == std::vector<std::int64_t>{1, -2});
  REQUIRE(fields.optional_array("mixed") != nullptr);
  CHECK((*fields.optional_array("mixed"))[0][1] == 2);
  CHECK_FALSE(fields.optional_texts("none"));
  CHECK_FALSE(fields.optional_integers("none"));
  CHECK(fields.optional_array("none") == nullptr);
  CHECK_THROWS_WITH_AS(fields.optional_texts("numbers"), "case.json: numbers: needed an array of strings, found [1,-2]", input_error);
  CHECK_THROWS_WITH_AS(fields.optional_integers("half"), "case.json: half: needed an array of integers, found [0.5]", input_error);
  CHECK_THROWS_WITH_AS(fields.optional_integers("one"), "case.json: one: needed an array of integers, found \"a\"", input_error);
  CHECK_THROWS_WITH_AS(fields.optional_array("one"), "case.json: one: needed an array, found \"a\"", input_error);
}

TEST_CASE("a whole number may be written as a float, up to what a double counts exactly") {
  auto const read = [](std::string const& text) {
    json_document const document{"case.json", "{\"size\": " + text + "}"};
    return json_object{document}.whole("size", -10);
  };
  CHECK(read("1e7") == 10'000'000);
  CHECK(read("-4.0") == -4);
  CHECK(read("12") == 12);
  CHECK(read("9007199254740992.0") == 9'007'199'254'740'992);
  CHECK(read("9223372036854775807") == json_object::no_limit);
  CHECK(whole_refusal(R"({"size": 1.5})") == "case.json: size: needed a whole number of at least 0, found 1.5");
  CHECK(whole_refusal(R"({"size": 1e300})") == "case.json: size: needed a whole number of at least 0, found 1e+300");
  CHECK(whole_refusal(R"({"size": 9007199254740994.0})") ==
        "case.json: size: needed a whole number of at least 0, found 9.007199254740994e+15");
  CHECK(whole_refusal(R"({"size": -1e7})") == "case.json: size: needed a whole number of at least 0, found -10000000.0");
  CHECK(whole_refusal(R"({"size": "1e7"})") == "case.json: size: needed a whole number of at least 0, found \"1e7\"");
}

TEST_CASE("a number fulfils what is required of it") {
  CHECK(number_refusal(R"({"rate": 0})", positive_number) == "case.json: rate: needed a number above 0, found 0");
  CHECK(number_refusal(R"({"rate": -1e-9})", non_negative_number) ==
        "case.json: rate: needed a number of at least 0, found -1e-09");
  CHECK(number_refusal(R"({"rate": 1.0})", number_below_one) ==
        "case.json: rate: needed a number from 0 to below 1, found 1.0");
  CHECK(number_refusal(R"({"rate": "3e-4"})", any_number) == "case.json: rate: needed a number, found \"3e-4\"");
  CHECK(number_refusal(R"({"rate": true})", any_number) == "case.json: rate: needed a number, found true");
}

TEST_CASE("an array of numbers has its size and each element fulfils the requirement") {
  auto const said = [](std::string const& text) {
    return refusal("{\"betas\": " + text + "}", [](json_object& f) { f.optional_numbers("betas", 2, number_below_one); });
  };
  std::string const needed = "case.json: betas: needed an array of 2, each a number from 0 to below 1, found ";
  CHECK(said("[0, 0.5]") == "accepted");
  CHECK(said("[0.9]") == needed + "[0.9]");
  CHECK(said("[0.9,0.9,0.9]") == needed + "[0.9,0.9,0.9]");
  CHECK(said("[0.9,1]") == needed + "[0.9,1]");
  CHECK(said("[0.9,\"0.9\"]") == needed + "[0.9,\"0.9\"]");
  CHECK(said("0.9") == needed + "0.9");
  CHECK(said("[1,2,3,4,5,6,7,8,9]") == needed + "an array of 9");
}

TEST_CASE("other wrong types") {
  CHECK(refusal(R"({"tied": 1})", [](json_object& f) { f.optional_boolean("tied"); }) ==
        "case.json: tied: needed true or false, found 1");
  CHECK(refusal(R"({"tied": "true"})", [](json_object& f) { f.optional_boolean("tied"); }) ==
        "case.json: tied: needed true or false, found \"true\"");
  CHECK(refusal(R"({"name": 7})", [](json_object& f) { f.text("name"); }) == "case.json: name: needed a string, found 7");
  CHECK(refusal(R"({"recompute": "some"})", [](json_object& f) { f.choice("recompute", recomputations); }) ==
        "case.json: recompute: needed one of none, layers, all, found \"some\"");
  CHECK(refusal(R"({"recompute": 1})", [](json_object& f) { f.choice("recompute", recomputations); }) ==
        "case.json: recompute: needed one of none, layers, all, found 1");
  CHECK(refusal(R"({"model": "llama"})", [](json_object& f) { f.optional_object("model"); }) ==
        "case.json: model: needed an object, found \"llama\"");
  CHECK(refusal("[1]", [](json_object&) {}) == "case.json: needed an object, found [1]");
}

TEST_CASE("a key that nobody asked for is an error, the first in the file's order") {
  auto const read_known = [](json_object& fields) {
    fields.optional_integer("layers", 1);
    fields.accept("note");
    fields.finish();
  };
  CHECK(refusal(R"({"layers": 1, "note": {"any": []}})", read_known) == "accepted");
  CHECK(refusal(R"({"layers": 1, "layer": 2, "a": 3})", read_known) ==
        "case.json: layer: needed a key known here, found an unknown one");
  CHECK(refusal(R"({"bad key\n": 1})", read_known) == "case.json: \"bad key\\n\": needed a key known here, found an unknown one");
  // asking whether a key is there is not reading it
  CHECK(refusal(R"({"layers": 1})", [](json_object& f) { static_cast<void>(f.has("layers")); f.finish(); }) ==
        "case.json: layers: needed a key known here, found an unknown one");
}

TEST_CASE("an error inside an object has the whole path") {
  auto const read = [](json_object& fields) {
    auto outer = fields.optional_object("zero_optimization");
    auto inner = outer->optional_object("offload.param");
    CHECK(outer->where() == "case.json: zero_optimization");
    CHECK(inner->where() == "case.json: zero_optimization.\"offload.param\"");
    CHECK(inner->where("device") == "case.json: zero_optimization.\"offload.param\".device");
    inner->integer("stage", 0, 3);
  };
  CHECK(refusal(R"({"zero_optimization": {"offload.param": {"stage": 4}}})", read) ==
        "case.json: zero_optimization.\"offload.param\".stage: needed an integer from 0 to 3, found 4");
  CHECK(refusal("{}", [](json_object& f) { CHECK(f.where() == "case.json"); }) == "accepted");
}

TEST_CASE("null is a wrong type, or absent where Python wrote the file, inner objects too") {
  auto const read = [](json_object& fields) {
    CHECK_FALSE(fields.has("heads"));
    CHECK_FALSE(fields.is_text("heads"));
    CHECK_FALSE(fields.optional_integer("heads", 1));
    CHECK_FALSE(fields.optional_object("rope")->optional_text("type"));
    fields.finish();
  };
  constexpr std::string_view text = R"({"heads": null, "rope": {"type": null}})";
  CHECK(refusal(text, read, null_is::absent) == "accepted");
  CHECK(refusal(text, [](json_object& f) { f.optional_integer("heads", 1); }) ==
        "case.json: heads: needed an integer of at least 1, found null");
  CHECK(refusal(text, [](json_object& f) { f.integer("heads", 1); }, null_is::absent) ==
        "case.json: heads: needed an integer of at least 1, found no such key");
}

TEST_CASE("another meaning of null begins with nothing read") {
  CHECK(refusal(R"({"layers": 1})", [](json_object& fields) {
          fields.integer("layers", 1);
          fields.finish();
          fields.with(null_is::absent).finish();
        }) == "case.json: layers: needed a key known here, found an unknown one");
}

TEST_CASE("a value is shown short, in one line, cut between characters") {
  auto const said = [](std::string const& text) {
    return refusal("{\"layers\": \"" + text + "\"}", [](json_object& f) { f.integer("layers", 1); });
  };
  std::string const needed = "case.json: layers: needed an integer of at least 1, found ";
  CHECK(said(R"(a\nb\u0000)") == needed + R"("a\nb\u0000")");
  CHECK(said(std::string(58, 'x')) == needed + "\"" + std::string(58, 'x') + "\"");
  CHECK(said(std::string(59, 'x')) == needed + "\"" + std::string(59, 'x') + "...");
  // the quote and 58 letters, then a character of three bytes that would be cut
  CHECK(said(std::string(58, 'x') + "昆仑") == needed + "\"" + std::string(58, 'x') + "...");
}
