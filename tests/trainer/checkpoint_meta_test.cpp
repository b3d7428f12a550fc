#include "checkpoint_meta.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using trainer::checkpoint_meta;
using trainer_test::message_of;

namespace {
checkpoint_meta some_meta() {
  return {.progress = {.steps = 20, .applied = 18, .loss_scale = trainer::loss_scale_state{32768, 1, 7}},
          .samples = 320,
          .model = {.layers = 2, .hidden = 24, .heads = 3, .kv_heads = 1, .head_size = 8, .ffn = 40, .vocabulary = 61,
                    .rms_epsilon = 1e-6, .rope_theta = 5e5},
          .seed = -1,
          .dataset = "t.npy",
          .dataset_tokens = 5000,
          .dataset_crc = 0x12345678,
          .sequence_length = 16,
          .shards = {{1024, 0xffffffffLL}, {2048, 0}}};
}

checkpoint_meta read(std::string const& text) { return trainer::checkpoint_meta_of(kunmetrics::json_document{"meta.json", text}); }

std::string complaint(std::string const& from, std::string const& to) {
  auto text = trainer::meta_text(some_meta());
  auto const at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  return message_of([&] { read(text); });
}
}  // namespace

TEST_CASE("what is written is what is read, to the last digit") {
  auto const meta = some_meta();
  auto const again = read(trainer::meta_text(meta));
  CHECK(again.progress == meta.progress);
  CHECK(again.samples == 320);
  CHECK(again.seed == -1);
  CHECK(again.dataset == "t.npy");
  CHECK(again.dataset_crc == 0x12345678);
  CHECK(again.sequence_length == 16);
  CHECK(again.shards == meta.shards);
  CHECK(trainer::meta_text(again) == trainer::meta_text(meta));
  auto without = meta;
  without.progress.loss_scale.reset();
  without.dataset_crc.reset();
  CHECK(!read(trainer::meta_text(without)).progress.loss_scale);
  CHECK(!read(trainer::meta_text(without)).dataset_crc);
}

TEST_CASE("a digit that has changed is noticed, and a checkpoint from before there was a checksum read") {
  for (auto const& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"samples\": 320", "\"samples\": 321"}, {"\"seed\": -1", "\"seed\": -2"}, {"500000.0", "500000.5"}, {"\"t.npy\"", "\"u.npy\""}}) {
    CHECK(complaint(from, to).starts_with("meta.json: crc32c: needed what was written, whose checksum it is (that of what is read is "));
  }
  auto text = trainer::meta_text(some_meta());
  auto const at = text.rfind(",\n  \"crc32c\"");
  REQUIRE(at != std::string::npos);
  CHECK(read(text.substr(0, at) + "\n}").samples == 320);
}

TEST_CASE("anything else is refused by its key") {
  CHECK(complaint("checkpoint 1", "checkpoint 2") ==
        "meta.json: format: needed \"llama2_zero3 checkpoint 1\", found \"llama2_zero3 checkpoint 2\"");
  CHECK(complaint("\"step\": 20", "\"step\": -1").starts_with("meta.json: step: needed an integer of at least 0, found -1"));
  CHECK(complaint("\"applied_steps\": 18", "\"applied_steps\": 21").starts_with("meta.json: applied_steps: needed an integer"));
  CHECK(complaint("\"hidden\": 24", "\"hidden\": 0").starts_with("meta.json: model.hidden: needed"));
  CHECK(complaint("\"hidden\": 24", "\"hidden\": 9000000000000000000").starts_with("meta.json: model.hidden: needed"));
  CHECK(complaint("\"hidden\": 24,", "").starts_with("meta.json: model.hidden: needed"));
  CHECK(complaint("\"scale\": 32768.0", "\"scale\": 0").starts_with("meta.json: loss_scale.scale: needed a number above 0"));
  CHECK(complaint("4294967295", "4294967296").starts_with("meta.json: shards.crc32c: needed checksums of 32 bits"));
  CHECK(complaint("1024,", "").starts_with("meta.json: shards.crc32c: needed as many checksums as shards"));
  CHECK(complaint("\"seed\": -1", "\"sed\": -1").starts_with("meta.json: seed: needed"));
  CHECK(complaint("\"seed\"", "\"other\": 1, \"seed\"").starts_with("meta.json: other: needed a key known here"));
  CHECK(message_of([] { read("{"); }).starts_with("meta.json:1: needed"));
}
