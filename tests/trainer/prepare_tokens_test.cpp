// Runs the built program. Without the definition PREPARE_TOKENS_PROGRAM (no sentencepiece in the
// build) only what needs no program is left.
#include "text_documents.hpp"
#include "token_file.hpp"
#include "unigram_entropy.hpp"

#include "program.hpp"
#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#ifndef TRAINER_DATA_DIR
#error "TRAINER_DATA_DIR must name examples/llama2_zero3/data"
#endif

using trainer::token_file;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;

TEST_CASE("documents come in the byte order of their paths") {
  scratch_folder const folder;
  for (auto const* name : {"b.txt", "a/z.txt", "B.txt", "a.txt", ".hidden", ".git/x.txt"})
    folder.file(name, "text");
  std::vector<std::string> names;
  for (auto const& path : trainer::document_paths(folder.path()))
    names.push_back(path.lexically_relative(folder.path()).string());
  CHECK(names == std::vector<std::string>{"B.txt", "a.txt", "a/z.txt", "b.txt"});
  CHECK(trainer::document_paths(folder / "b.txt").size() == 1);
}

TEST_CASE("text that is not UTF-8 is found at its first wrong byte") {
  using trainer::first_bad_utf8;
  CHECK(!first_bad_utf8("plain, \xc3\xa9, \xe4\xb8\xad, \xf0\x9f\x98\x80"));
  CHECK(first_bad_utf8("ab\xff") == 2u);
  CHECK(first_bad_utf8("\xc0\xaf") == 0u);                // overlong
  CHECK(first_bad_utf8("a\xe0\x80\x80") == 1u);           // overlong
  CHECK(first_bad_utf8("\xed\xa0\x80") == 0u);            // surrogate
  CHECK(first_bad_utf8("\xf4\x90\x80\x80") == 0u);        // past U+10FFFF
  CHECK(first_bad_utf8("abc\xe4\xb8") == 3u);             // cut short
  CHECK(first_bad_utf8("\x80") == 0u);                    // continuation without a lead
  CHECK(first_bad_utf8("\xe4\x41\x41") == 0u);
}

#ifdef PREPARE_TOKENS_PROGRAM

namespace {

std::string const data = TRAINER_DATA_DIR;
std::string const model = data + "/kjv.model";

auto prepare_tokens(scratch_folder const& folder, std::vector<std::string> const& arguments) {
  return trainer_test::run_program(folder, PREPARE_TOKENS_PROGRAM, arguments);
}

std::vector<std::int32_t> ids(std::filesystem::path const& path, std::int64_t vocabulary) {
  token_file const tokens{path, vocabulary};
  std::vector<std::int32_t> all(static_cast<std::size_t>(tokens.size()));
  tokens.copy_sequence(0, all);
  return all;
}

std::string english(int sentences) {
  std::string text;
  for (int i = 0; i < sentences; ++i)
    text += "In the beginning was the word, and word " + std::to_string(i) + " followed it.\n";
  return text;
}

void check_refused(scratch_folder const& folder, std::vector<std::string> const& arguments,
                   std::string_view message) {
  trainer_test::check_refused(folder, PREPARE_TOKENS_PROGRAM, arguments, message);
}

}  // namespace

TEST_CASE("documents are encoded with a mark in front, in every element type") {
  scratch_folder const folder;
  folder.file("text/2.txt", "And God said, Let there be light: and there was light.");
  folder.file("text/1.txt", "In the beginning God created the heaven and the earth.");
  std::vector<std::int32_t> first;
  for (std::string const dtype : {"uint16", "int32", "int64"}) {
    auto const result = prepare_tokens(folder, {"--text", "text", "--tokenizer", model, "--out",
                                                "out.npy", "--dtype", dtype});
    REQUIRE(result.code == 0);
    CHECK(result.err.empty());
    auto const tokens = ids(folder / "out.npy", 4096);
    CHECK(std::ranges::count(tokens, 1) == 2);
    CHECK(tokens.front() == 1);
    // Genesis 1:1 comes first although its file was made last: the committed file begins with it
    std::vector<std::int32_t> committed(10);
    token_file const kjv{data + "/kjv.npy", 4096};
    kjv.copy_sequence(0, committed);
    CHECK(std::equal(committed.begin(), committed.end(), tokens.begin()));
    if (first.empty()) first = tokens;
    CHECK(tokens == first);
    std::vector<std::int64_t> counts(4096);
    for (auto const id : tokens) ++counts[static_cast<std::size_t>(id)];
    CHECK(result.out.starts_with("tokens           " + std::to_string(tokens.size()) +
                                 "\ndocuments        2\nvocabulary       4096\n"));
    auto const entropy = std::stod(result.out.substr(result.out.find("entropy") + 7));
    CHECK(std::abs(entropy - trainer::unigram_entropy(counts).value()) < 1e-6);
  }
  auto const with_eos = prepare_tokens(
      folder, {"--text", "text", "--tokenizer", model, "--out", "out.npy", "--eos"});
  REQUIRE(with_eos.code == 0);
  auto const tokens = ids(folder / "out.npy", 4096);
  CHECK(tokens.size() == first.size() + 2);
  CHECK(tokens.back() == 2);
}

TEST_CASE("a tokenizer trained on the text is made with the tokens, the same every time") {
  scratch_folder const folder;
  folder.file("text.txt", english(300));
  auto const train = [&](std::string const& name) {
    return prepare_tokens(folder, {"--text", "text.txt", "--train-tokenizer", "330",
                                   "--model-prefix", name, "--out", name + ".npy"});
  };
  auto const result = train("a");
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());
  CHECK(result.out.find("vocabulary       330\n") != std::string::npos);
  REQUIRE(train("b").code == 0);
  CHECK(content(folder / "a.model") == content(folder / "b.model"));
  CHECK(content(folder / "a.npy") == content(folder / "b.npy"));
  CHECK(folder.entries() == 5);
  CHECK(ids(folder / "a.npy", 330).size() < english(300).size());
  // a letter the text does not have falls back to its bytes: 3 marks come first
  folder.file("other.txt", "\xc3\xa9");
  REQUIRE(prepare_tokens(folder, {"--text", "other.txt", "--tokenizer", "a.model", "--out",
                                  "other.npy"})
              .code == 0);
  auto const fallback = ids(folder / "other.npy", 330);
  REQUIRE(fallback.size() >= 3);
  CHECK(fallback[fallback.size() - 2] == 3 + 0xc3);
  CHECK(fallback.back() == 3 + 0xa9);
}

TEST_CASE("unusable input gives one line, exit 2 and no output") {
  scratch_folder const folder;
  folder.file("text.txt", english(50));
  folder.file("bad.txt", "caf\xe9 au lait");
  folder.file("zero.txt", std::string_view{"a\0b", 3});
  folder.file("none.model", "this is no model");
  folder.file("cut.model", content(model).substr(0, 30'000));
  folder.file("empty.model", "");
  folder.file("blank.txt", "\n\n");
  std::filesystem::create_directory(folder / "empty");
  auto const encode = [&](std::string const& text, std::string const& tokenizer,
                          std::string_view message) {
    check_refused(folder, {"--text", text, "--tokenizer", tokenizer, "--out", "out.npy"}, message);
  };
  encode("missing.txt", model,
         "missing.txt: offset 0: needed a readable file, received No such file or directory");
  encode("empty", model,
         "empty: offset 0: needed a folder with text files, received an empty folder");
  encode("bad.txt", model, "bad.txt: offset 3: needed UTF-8 text, received a byte that is not");
  encode("zero.txt", model, "zero.txt: offset 1: needed UTF-8 text, received a zero byte");
  encode("text.txt", "missing.model",
         "missing.model: offset 0: needed a readable file, received No such file or directory");
  encode("text.txt", "none.model", "none.model: offset 0: needed a sentencepiece model, "
                                   "received 16 bytes that are none");
  encode("text.txt", "cut.model", "cut.model: offset 0: needed a sentencepiece model, "
                                  "received 30000 bytes that are none");
  encode("text.txt", "empty.model", "empty.model: offset 0: needed a sentencepiece model, "
                                    "received 0 bytes that are none");
  check_refused(folder, {"--text", "text.txt", "--tokenizer", model, "--out", "none/out.npy"},
                "none/out.npy: offset 0: needed a folder to write in, received No such file or "
                "directory");
  check_refused(folder, {"--text", "blank.txt", "--train-tokenizer", "300", "--model-prefix", "m",
                         "--out", "out.npy"},
                "tokenizer: needed text, received empty documents");
}

TEST_CASE("unusable arguments give one line, exit 2 and no output") {
  scratch_folder const folder;
  folder.file("text.txt", english(50));
  auto const train = [&](std::string const& pieces, std::string_view message) {
    check_refused(folder, {"--text", "text.txt", "--train-tokenizer", pieces, "--model-prefix", "m",
                           "--out", "out.npy"},
                  message);
  };
  train("65537", "--dtype: needed a type that holds a vocabulary of 65537, received <u2");
  train("259", "tokenizer: needed more than the 259 pieces of marks and bytes, received 259");
  train("-1", "tokenizer: needed more than the 259 pieces of marks and bytes, received -1");
  train("many", "Could not convert: --train-tokenizer = many");
  check_refused(folder, {}, "--text is required");
  check_refused(folder, {"--text", "text.txt", "--out", "out.npy"},
                "--tokenizer: needed a model, or --train-tokenizer to make one, received neither");
  check_refused(folder, {"--text", "text.txt", "--tokenizer", model, "--out", "out.npy", "--dtype",
                         "float32"},
                "Could not convert: --dtype = float32");

  auto const too_many = prepare_tokens(folder, {"--text", "text.txt", "--train-tokenizer", "4096",
                                                "--model-prefix", "m", "--out", "out.npy"});
  CHECK(too_many.code == 2);
  CHECK(too_many.err.starts_with("prepare_tokens: tokenizer: needed text to train 4096 pieces "));
  CHECK(std::ranges::count(too_many.err, '\n') == 1);
  CHECK(folder.entries() == 1);
}

#endif
