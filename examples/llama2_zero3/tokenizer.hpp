// A sentencepiece tokenizer with silence around it: loading, encoding, training llama-like models.
// Trained models have llama's settings: BPE, byte fallback, digits split, identity normalisation,
// ids unk 0, bos 1, eos 2. Same text, same vocabulary and same library give the same bytes.
// Source: sentencepiece 0.1.97; the trainer settings stored inside llama2's own tokenizer.model.
// Left out: decoding. Needs libsentencepiece and libsentencepiece_train.
#pragma once

#include "file_error.hpp"
#include "mapped_file.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#include <unistd.h>

namespace trainer {

// Standard error goes nowhere while the object lives: sentencepiece and its protobuf log there,
// and a program that promises one line on stderr must keep them out.
class silenced_stderr {
 public:
  silenced_stderr() : saved_{::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)} {
    int const nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0) return;
    if (saved_ >= 0) ::dup2(nowhere, STDERR_FILENO);
    ::close(nowhere);
  }
  silenced_stderr(silenced_stderr const&) = delete;
  silenced_stderr& operator=(silenced_stderr const&) = delete;
  ~silenced_stderr() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
};

// What a sentencepiece status says, without the source line and condition in front of it:
// "./src/file.cc(12) [condition] sentence" gives "sentence" where there is one.
inline std::string status_text(sentencepiece::util::Status const& status) {
  std::string_view text{status.message()};
  auto const bracket = text.rfind("] ");
  if (bracket != std::string_view::npos && bracket + 2 < text.size())
    text.remove_prefix(bracket + 2);
  return printable(text, 160);
}

class tokenizer {
 public:
  // Reads a tokenizer.model; throws std::runtime_error when it is none or knows no beginning of
  // sequence.
  explicit tokenizer(std::filesystem::path const& path) {
    mapped_file const file{path};
    load({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
  }

  // Takes a serialised model; `name` stands for the path in messages.
  tokenizer(std::string_view model, std::filesystem::path const& name) { load(model, name); }

  std::int32_t vocabulary() const { return processor_->GetPieceSize(); }
  std::int32_t bos() const { return processor_->bos_id(); }
  // Negative when the model has no end of sequence.
  std::int32_t eos() const { return processor_->eos_id(); }

  // The ids of a text without marks at its ends; throws std::runtime_error if it cannot be encoded.
  std::vector<std::int32_t> ids(std::string_view text) const {
    silenced_stderr const quiet;
    std::vector<std::int32_t> encoded;
    auto const status = processor_->Encode(text, &encoded);
    if (!status.ok())
      throw std::runtime_error{"tokenizer: needed text that can be encoded, received " +
                               status_text(status)};
    return encoded;
  }

 private:
  void load(std::string_view model, std::filesystem::path const& name) {
    silenced_stderr const quiet;
    // an empty model loads without complaint and encodes nothing
    if (model.empty() || !processor_->LoadFromSerializedProto(model).ok() || vocabulary() == 0)
      throw file_error(name, 0, "a sentencepiece model",
                       std::to_string(model.size()) + " bytes that are none");
    if (bos() < 0)
      throw file_error(name, 0, "a tokenizer with a beginning-of-sequence id", "one without");
  }

  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_ =
      std::make_unique<sentencepiece::SentencePieceProcessor>();
};

// Hands the lines of the documents to sentencepiece's trainer, empty ones left out.
class line_iterator final : public sentencepiece::SentenceIterator {
 public:
  explicit line_iterator(std::span<std::string const> documents) : documents_{documents} { Next(); }
  bool done() const override { return done_; }
  void Next() override {
    do {
      if (rest_.empty() && !next_document()) return;
      auto const end = std::min(rest_.find('\n'), rest_.size());
      line_ = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
    } while (line_.empty());
  }
  std::string const& value() const override { return line_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  bool next_document() {
    while (rest_.empty() && !documents_.empty()) {
      rest_ = documents_.front();
      documents_ = documents_.subspan(1);
    }
    done_ = rest_.empty();
    return !done_;
  }

  std::span<std::string const> documents_;
  std::string_view rest_;
  std::string line_;
  bool done_ = false;
};

// The serialised model of `vocabulary` pieces trained on the documents. Throws std::runtime_error
// when sentencepiece cannot, as with a text too small for the vocabulary.
inline std::string trained_tokenizer(std::span<std::string const> documents,
                                     std::int32_t vocabulary) {
  constexpr std::int32_t marks_and_bytes = 3 + 256;
  if (vocabulary <= marks_and_bytes)
    throw std::runtime_error{"tokenizer: needed more than the 259 pieces of marks and bytes, "
                             "received " + std::to_string(vocabulary)};
  silenced_stderr const quiet;
  line_iterator lines{documents};
  if (lines.done()) throw std::runtime_error{"tokenizer: needed text, received empty documents"};
  std::string model;
  auto const status = sentencepiece::SentencePieceTrainer::Train(
      {{"model_type", "bpe"},
       {"vocab_size", std::to_string(vocabulary)},
       {"character_coverage", "0.99995"},
       {"normalization_rule_name", "identity"},
       {"remove_extra_whitespaces", "false"},
       {"allow_whitespace_only_pieces", "true"},
       {"split_digits", "true"},
       {"byte_fallback", "true"},
       {"max_sentence_length", "1048576"},  // a chapter is a line; the default drops it in silence
       {"num_threads", "1"},                // stored in the model, so it must not vary
       {"unk_id", "0"},
       {"bos_id", "1"},
       {"eos_id", "2"},
       {"minloglevel", "2"}},
      &lines, &model);
  if (status.ok()) return model;
  throw std::runtime_error{"tokenizer: needed text to train " + std::to_string(vocabulary) +
                           " pieces from, received " + status_text(status)};
}

}  // namespace trainer
