#include <kunmetrics/io/json_document.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using trainer_test::message_of;
using trainer_test::scratch_folder;
using namespace std::string_view_literals;

static_assert(deepest_json == 64);
static_assert(largest_json == 16'777'216);
static_assert(std::is_base_of_v<std::runtime_error, input_error>);

json_value tree_of(std::string_view text) { return json_document{"case.json", text}.tree(); }

// What is said about a text that must not be accepted; only input_error counts.
std::string refusal(std::string_view text) {
  try {
    json_document const document{"case.json", text};
  } catch (input_error const& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal_of_file(std::filesystem::path const& file) {
  return message_of([&] { json_document const document{file}; });
}

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }
}  // namespace

TEST_CASE("a document keeps the order of its keys and the kind of its numbers") {
  auto const tree = tree_of(R"({"z": 1, "a": {"y": -2, "b": [true, null, "text", []]}, "m": 1.0, "n": 1e3})");
  CHECK(tree.dump() == R"({"z":1,"a":{"y":-2,"b":[true,null,"text",[]]},"m":1.0,"n":1000.0})");
  CHECK(tree["z"].is_number_integer());
  CHECK(tree["m"].is_number_float());
  CHECK(tree["n"].is_number_float());
}

TEST_CASE("a root of any kind is a document") {
  CHECK(tree_of("7").dump() == "7");
  CHECK(tree_of(" \"text\" ").dump() == "\"text\"");
  CHECK(tree_of("[]").dump() == "[]");
}

TEST_CASE("a container grows while its earlier children stay whole") {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":[" + std::to_string(i) + "]";
  auto const tree = tree_of(text + "}");
  REQUIRE(tree.size() == 1000);
  CHECK(tree["0"][0] == 0);
  CHECK(tree["999"][0] == 999);
}

TEST_CASE("integers of 64 bits are exact, larger ones are refused") {
  CHECK(tree_of("[9223372036854775807, -9223372036854775808, 18446744073709551615]").dump() ==
        "[9223372036854775807,-9223372036854775808,18446744073709551615]");
  CHECK(refusal(R"({"seed": 18446744073709551616})") ==
        "case.json: seed: needed an integer within 64 bits, found 18446744073709551616");
  CHECK(refusal(R"({"seed": -9223372036854775809})") ==
        "case.json: seed: needed an integer within 64 bits, found -9223372036854775809");
  CHECK(refusal("1" + std::string(100, '0')) ==
        "case.json: needed an integer within 64 bits, found 1" + std::string(59, '0') + "...");
}

TEST_CASE("a float that no double can hold is refused, the smallest and largest are not") {
  CHECK(refusal("{\n\"peak\": 1e400}") == "case.json:2: needed a number that a double can hold, found 1e400");
  CHECK(refusal("[-1e400]") == "case.json:1: needed a number that a double can hold, found -1e400");
  CHECK(tree_of("[1.7976931348623157e308, 5e-324]")[0].get<double>() == 1.7976931348623157e308);
}

TEST_CASE("NaN and Infinity are no JSON") {
  CHECK(refusal(R"({"loss": NaN})") == R"(case.json:1: needed valid JSON, found invalid literal; last read: '"loss": N')");
  CHECK(refusal(R"({"loss": nan})").starts_with("case.json:1: needed valid JSON, found invalid literal"));
  CHECK(refusal("{\n\"loss\":\n Infinity}").starts_with("case.json:3: needed valid JSON, found invalid literal"));
  CHECK(refusal("[-Infinity]") ==
        "case.json:1: needed valid JSON, found invalid number; expected digit after '-'; last read: '-I'");
}

TEST_CASE("a key given twice is refused with its path") {
  CHECK(refusal(R"({"a": 1, "a": 1})") == "case.json: a: needed the key once, found it twice");
  CHECK(refusal(R"({"a": {"b": 1, "c": 2, "b": 3}})") == "case.json: a.b: needed the key once, found it twice");
  CHECK(refusal(R"({"a": [[], {"k": 1, "k": 2}]})") == "case.json: a[1].k: needed the key once, found it twice");
  CHECK(refusal(R"([0, [1, [{"k": 1, "\u006b": 2}]]])") == "case.json: [1][1][0].k: needed the key once, found it twice");
  CHECK(tree_of(R"({"a": {"a": 1}, "b": {"a": 2}})").size() == 2);
}

TEST_CASE("a key that is no plain word is quoted and escaped in a path") {
  CHECK(refusal(R"({"": 1, "": 2})") == R"(case.json: "": needed the key once, found it twice)");
  CHECK(refusal(R"({"a.b": 1, "a.b": 2})") == R"(case.json: "a.b": needed the key once, found it twice)");
  CHECK(refusal("{\"a\\nb\": 1, \"a\\nb\": 2}") == R"(case.json: "a\nb": needed the key once, found it twice)");
  std::string const lengthy(100, 'k');
  CHECK(refusal("{\"" + lengthy + "\": 1, \"" + lengthy + "\": 2}") ==
        "case.json: \"" + std::string(59, 'k') + "...: needed the key once, found it twice");
}

TEST_CASE("an error of syntax names its line") {
  CHECK(refusal("{\n\"a\": 1,\n}") == "case.json:3: needed valid JSON, found unexpected '}'; expected string literal");
  CHECK(refusal("\n\n{\"a\" 1}") == "case.json:3: needed valid JSON, found unexpected number literal; expected ':'");
  CHECK(refusal("{'a': 1}") == "case.json:1: needed valid JSON, found invalid literal; last read: '{''; expected string literal");
  CHECK(refusal("{}\n{}") == "case.json:2: needed valid JSON, found unexpected '{'; expected end of input");
  CHECK(refusal("{\"a\": 01}") == "case.json:1: needed valid JSON, found unexpected number literal; expected '}'");
  CHECK(refusal("// no comments\n{}") == "case.json:1: needed valid JSON, found invalid literal; last read: '/'");
}

TEST_CASE("a text that ends too early is blamed on its last line with content") {
  CHECK(refusal("") == "case.json:1: needed valid JSON, found unexpected end of input; expected '[', '{', or a literal");
  CHECK(refusal(" \n\n ") == "case.json:1: needed valid JSON, found unexpected end of input; expected '[', '{', or a literal");
  CHECK(refusal("[1,\n2\n\n\n") == "case.json:2: needed valid JSON, found unexpected end of input; expected ']'");
  CHECK(refusal("{\"a\":\n \"x") ==
        "case.json:2: needed valid JSON, found invalid string: missing closing quote; last read: '\"x'");
}

TEST_CASE("a broken string is refused in one printable, short line") {
  CHECK(refusal("{\n\"a\": \"x\ny\"}") ==
        "case.json:2: needed valid JSON, found invalid string: control character U+000A (LF) must be escape...");
  CHECK(refusal("\"\xff\"") == "case.json:1: needed valid JSON, found invalid string: ill-formed UTF-8 byte; last read: '\"?'");
  CHECK(refusal(R"("\ud800")") ==
        "case.json:1: needed valid JSON, found invalid string: surrogate U+D800..U+DBFF must be followed by...");
}

TEST_CASE("a NUL byte does not end the document") {
  CHECK(refusal("{\"a\": 1}\0{\"a\": 2}"sv) == "case.json:1: needed valid JSON, found a NUL byte");
  CHECK(refusal("{}\n\0"sv) == "case.json:2: needed valid JSON, found a NUL byte");
  CHECK(refusal("[\"a\0b\"]"sv) == "case.json:1: needed valid JSON, found a NUL byte");
  CHECK(tree_of(R"("a\u0000b")").get<std::string>() == "a\0b"sv);
}

TEST_CASE("nesting has its limit, in arrays and objects") {
  CHECK(refusal(nested(64)) == "accepted");
  CHECK(refusal(nested(65)) == "case.json: needed at most 64 levels of nesting, found more");
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += "{\"a\":";
  CHECK(refusal(objects) == "case.json: needed at most 64 levels of nesting, found more");
  CHECK(refusal(std::string(1'000'000, '[')) == "case.json: needed at most 64 levels of nesting, found more");
}

TEST_CASE("a file is read whole and named as it was given") {
  scratch_folder const folder;
  auto const path = folder.file("case.json", "{\"name\": \"昆仑\"}\n");
  json_document const document{path};
  CHECK(document.name() == path.string());
  CHECK(document.tree()["name"] == "昆仑");
  CHECK(refusal_of_file(folder.file("broken.json", "{\n")) ==
        (folder / "broken.json").string() + ":1: needed valid JSON, found unexpected end of input; expected string literal");
}

TEST_CASE("a file of up to 16 MiB is read, one byte more is refused") {
  scratch_folder const folder;
  std::string text(largest_json, ' ');
  text.front() = '7';
  CHECK(json_document{folder.file("largest.json", text)}.tree() == 7);
  text += ' ';
  CHECK(refusal_of_file(folder.file("larger.json", text)) ==
        (folder / "larger.json").string() + ": needed at most 16777216 bytes, found more");
}

TEST_CASE("what is no regular file is refused") {
  scratch_folder const folder;
  CHECK(refusal_of_file(folder.path()) == folder.path().string() + ": needed a regular file, found a directory");
  CHECK(refusal_of_file("/dev/zero") == "/dev/zero: needed a regular file, found a special file");
  auto const missing = folder / "none.json";
  CHECK(refusal_of_file(missing) == missing.string() + ": needed a regular file, found none that can be read");
  CHECK(refusal_of_file(folder.file("file", "{}") / "case.json") ==
        (folder / "file" / "case.json").string() + ": needed a regular file, found none that can be read");
  CHECK(refusal_of_file("") == ": needed a regular file, found none that can be read");
}
