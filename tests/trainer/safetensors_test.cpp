// Files made by hand, as huggingface/safetensors describes them, and every kind of damage.
#include "safetensors.hpp"

#include "raw_bytes.hpp"
#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using trainer::safetensors_file;
using trainer_test::message_of;
using trainer_test::raw;
using trainer_test::scratch_folder;

namespace {
std::string file_of(std::string const& header, std::string const& data) {
  return raw<std::uint64_t>({header.size()}) + header + data;
}

std::string const two = R"({"__metadata__": {"format": "pt"},
  "b": {"dtype": "BF16", "shape": [3], "data_offsets": [8, 14]}, "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}})";

std::string complaint(std::string const& bytes) {
  auto const text = std::as_bytes(std::span{bytes});
  return message_of([&] { trainer::layout_of_safetensors("m.safetensors", text); });
}

std::string changed(std::string text, std::string const& from, std::string const& to) {
  return text.replace(text.find(from), from.size(), to);
}
}  // namespace

TEST_CASE("tensors of F32, BF16 and F16 are read as fp32, from any element on") {
  scratch_folder const folder;
  auto const data = raw<float>({1.5F, -2}) + raw<std::uint16_t>({0x3f80, 0xc000, 0x7f80});
  safetensors_file const file{folder.file("m.safetensors", file_of(two + "   ", data))};
  REQUIRE(file.tensors().size() == 2);
  CHECK(file.tensors()[0].name == "a");
  CHECK(file.tensors()[0].shape == std::vector<std::int64_t>{2, 1});
  std::vector<float> out(2);
  file.copy(file.tensors()[0], 0, out);
  CHECK(out == std::vector<float>{1.5F, -2});
  file.copy(file.tensors()[1], 1, out);
  CHECK(out == std::vector<float>{-2, std::numeric_limits<float>::infinity()});
  CHECK_THROWS_AS(file.copy(file.tensors()[1], 2, out), std::out_of_range);
  safetensors_file const half{
      folder.file("h.safetensors", file_of(R"({"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", raw<std::uint16_t>({0x3c00, 0x0001})))};
  half.copy(half.tensors()[0], 0, out);
  CHECK(out == std::vector<float>{1, 0x1p-24F});
  safetensors_file const whole{
      folder.file("i.safetensors", file_of(R"({"x":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}})", std::string(16, '\0')))};
  CHECK(message_of([&] { whole.copy(whole.tensors()[0], 0, out); }).ends_with("needed F32, BF16 or F16 for 'x', received I64"));
}

TEST_CASE("what is written is what is read, and its header is as the format says") {
  scratch_folder const folder;
  std::vector<float> const a{1, 2, 3, 4, 5, 6}, b{7};
  trainer::write_safetensors(folder / "m.safetensors",
                             {{.name = "a", .dtype = "F32", .shape = {2, 3}}, {.name = "b", .dtype = "F32", .shape = {1}}},
                             [&](std::size_t i, auto&& append) { append(std::span<float const>{i == 0 ? a : b}); });
  safetensors_file const file{folder / "m.safetensors"};
  std::vector<float> out(6);
  file.copy(file.tensors()[0], 0, out);
  CHECK(out == a);
  auto const bytes = trainer_test::content(folder / "m.safetensors");
  CHECK(bytes.substr(8).starts_with(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})"));
  CHECK((bytes.size() - 28) % 8 == 0);
}

TEST_CASE("a file without tensors is one") {
  CHECK(complaint(file_of("{}", "")) == "nothing thrown");
  CHECK(complaint(file_of(R"({"x":{"dtype":"F32","shape":[0, 7],"data_offsets":[0,0]}})", "")) == "nothing thrown");
  CHECK(complaint(file_of(R"({"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", "abcd")) == "nothing thrown");
}

TEST_CASE("damage is refused by key or offset") {
  std::string const data(14, 'x');
  CHECK(complaint(file_of(two, data)) == "nothing thrown");
  CHECK(complaint("abc") == "m.safetensors: offset 3: needed the 8 bytes of a header's length, received the end of the file");
  CHECK(complaint(raw<std::uint64_t>({9}) + "{}") ==
        "m.safetensors: offset 0: needed a header within the file and 16 MiB, received 9 bytes");
  CHECK(complaint(raw<std::uint64_t>({~std::uint64_t{0}}) + "{}").find("needed a header within the file") != std::string::npos);
  CHECK(complaint(file_of("[]", "")).find("needed an object") != std::string::npos);
  CHECK(complaint(file_of("{", "")).starts_with("m.safetensors:1: needed"));
  CHECK(complaint(file_of(two, data + "y")).ends_with("needed 14 bytes of data, received 15"));
  CHECK(complaint(file_of(two, data.substr(1))).ends_with("needed 14 bytes of data, received 13"));
  CHECK(complaint(file_of(changed(two, "[8, 14]", "[9, 15]"), data)).find("needed tensors without gaps and overlaps, received 'b' at 9") != std::string::npos);
  CHECK(complaint(file_of(changed(two, "[8, 14]", "[6, 12]"), data)).find("needed tensors without gaps and overlaps") != std::string::npos);
  CHECK(complaint(file_of(changed(two, "[8, 14]", "[14, 8]"), data)) == "m.safetensors: b.data_offsets: needed a begin and an end, in order, found [14,8]");
  CHECK(complaint(file_of(changed(two, "[3]", "[4]"), data)).find("b.data_offsets: needed offsets 8 bytes apart") != std::string::npos);
  CHECK(complaint(file_of(changed(two, "[3]", "[-3]"), data)).find("b.shape: needed sizes of 0 or more") != std::string::npos);
  CHECK(complaint(file_of(changed(two, "[3]", "[4611686018427387904, 16]"), data)).find("b.shape: needed sizes of 0 or more") != std::string::npos);
  CHECK(complaint(file_of(changed(two, "BF16", "BF17"), data)).find("b.dtype: needed a type such as F32, BF16 or F16") != std::string::npos);
  CHECK(complaint(file_of(changed(two, "\"a\"", "\"b\""), data)) != "nothing thrown");
}
