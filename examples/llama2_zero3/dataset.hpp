// What a run trains on: a token file, or synthetic tokens where the case names none.
//
// A file is read once from end to end before anything is trained or written, so that an id outside
// the model's vocabulary is found at its offset and not after an hour; the same pass gives the
// unigram entropy, below which a training loss shows that context is used, and the checksum by which a resumed run knows
// that it goes on with the same tokens.
#pragma once

#include "synthetic_tokens.hpp"
#include "token_file.hpp"
#include "unigram_entropy.hpp"

#include <kunmetrics/io/flagperf_document.hpp>
#include <kunmetrics/io/text.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>

namespace trainer {

// Safe to share between threads: nothing changes after construction.
class dataset {
 public:
  // Throws std::runtime_error `path: offset N: ...` for a file that cannot be used.
  dataset(std::optional<std::filesystem::path> const& file, std::int64_t vocabulary, std::uint64_t seed)
      : tokens_{opened(file, vocabulary, seed)} {
    if (auto const* const read = std::get_if<token_file>(&tokens_)) {
      name_ = read->path().filename().string();
      auto const content = read->read();
      entropy_ = unigram_entropy(content.counts);
      crc_ = content.crc;
    } else {
      name_ = "synthetic";
      entropy_ = std::get<synthetic_tokens>(tokens_).entropy();
    }
  }

  bool synthetic() const { return std::holds_alternative<synthetic_tokens>(tokens_); }
  std::string const& name() const { return name_; }
  // In nat a token; empty for a file without tokens.
  std::optional<double> entropy() const { return entropy_; }
  // CRC-32C of a file's ids; empty for synthetic tokens.
  std::optional<std::uint32_t> crc() const { return crc_; }

  std::int64_t size() const {
    return std::visit([](auto const& tokens) { return tokens.size(); }, tokens_);
  }
  std::int64_t sequences(std::int64_t length) const {
    return std::visit([&](auto const& tokens) { return tokens.sequences(length); }, tokens_);
  }
  void copy_sequence(std::int64_t index, std::span<std::int32_t> out) const {
    std::visit([&](auto const& tokens) { tokens.copy_sequence(index, out); }, tokens_);
  }

  kunmetrics::bilingual note() const {
    auto const count = std::to_string(size());
    auto const entropy = entropy_ ? kunmetrics::formatted(*entropy_, 3) : "-";
    if (synthetic()) {
      return {"合成token，由随机种子生成，一元熵" + entropy + " nat/token，不能从中学到更低的损失",
              "synthetic tokens made from the seed, unigram entropy " + entropy +
                  " nat/token, below which no model can learn to get"};
    }
    return {"文件共" + count + "个token，一元熵" + entropy + " nat/token",
            "a file of " + count + " tokens, unigram entropy " + entropy + " nat/token"};
  }

 private:
  using source = std::variant<token_file, synthetic_tokens>;

  static source opened(std::optional<std::filesystem::path> const& file, std::int64_t vocabulary, std::uint64_t seed) {
    if (file) return token_file{*file, vocabulary};
    return synthetic_tokens{vocabulary, seed};
  }

  source tokens_;
  std::string name_;
  std::optional<double> entropy_;
  std::optional<std::uint32_t> crc_;
};

}  // namespace trainer
