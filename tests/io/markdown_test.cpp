#include <kunmetrics/io/markdown.hpp>

#include <doctest/doctest.h>

#include <sstream>

namespace {
using namespace kunmetrics;
using row = table_row<2>;

static_assert(display_width("") == 0);
static_assert(display_width("loss") == 4);
static_assert(display_width("损失值") == 6);
static_assert(display_width("R300单机8卡（1x8）") == 18);
static_assert(display_width("计算使用率,见“MFU”") == 18);  // these quotation marks are narrow
static_assert(display_width("÷Σ×é") == 4);
static_assert(display_width("가나") == 4);
static_assert(display_width("￥1") == 3);
static_assert(display_width("🚀") == 2);
static_assert(display_width("𠮷") == 2);  // beyond 16 bits

std::vector<std::string> lines_of(std::string const& text) {
  std::istringstream stream{text};
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}
}  // namespace

TEST_CASE("the first row is the head, and columns are padded") {
  CHECK(markdown_table<2>({row{"name", "value"}, row{"loss", "5.27"}, row{"tokens/p/s", ""}}) ==
        "| name       | value |\n"
        "| ---------- | ----- |\n"
        "| loss       | 5.27  |\n"
        "| tokens/p/s |       |\n");
}

TEST_CASE("a column is at least as wide as its rule must be") {
  CHECK(markdown_table<2>({row{"a", ""}}) ==
        "| a   |     |\n"
        "| --- | --- |\n");
}

TEST_CASE("Chinese takes two places a character") {
  auto const table = markdown_table<2>({row{"指标名称", "指标值"}, row{"loss", "训练损失值"}, row{"吞吐量", "x"}});
  CHECK(table ==
        "| 指标名称 | 指标值     |\n"
        "| -------- | ---------- |\n"
        "| loss     | 训练损失值 |\n"
        "| 吞吐量   | x          |\n");
  for (auto const& line : lines_of(table)) CHECK(display_width(line) == 25);
}

TEST_CASE("a cell cannot break its row") {
  auto const table = markdown_table<2>({row{"a|b||", "one\ntwo\r\tthree"}});
  CHECK(lines_of(table).size() == 2);
  CHECK(lines_of(table).front() == R"(| a\|b\|\| | one two  three |)");
}

TEST_CASE("bytes that are not UTF-8 neither throw nor run past the end") {
  CHECK(display_width("\x80") == 1);
  CHECK(display_width("a\xE4") == 2);  // a character cut off after its first byte
  CHECK(display_width("\xF0\x9F") == 1);
  CHECK(markdown_table<2>({row{"\xE6\x8D", "x"}}).ends_with("| --- | --- |\n"));
}

TEST_CASE("footnotes are numbered as they are first marked, and unmarked ones follow") {
  footnotes notes;
  CHECK(notes.list().empty());
  notes.add("HFU stands alone");
  CHECK(notes.mark("the peak") == " [1]");
  CHECK(notes.mark("the loss\nof ten steps") == " [2]");
  CHECK(notes.mark("the peak") == " [1]");  // the same text keeps its number
  CHECK(notes.mark("third") == " [3]");
  CHECK(notes.list() ==
        "- [1] the peak\n"
        "- [2] the loss of ten steps\n"
        "- [3] third\n"
        "- HFU stands alone\n");
}
