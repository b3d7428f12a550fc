// prepare_tokens: text and a sentencepiece tokenizer in, a .npy file of token ids out.
//   ids = for every document: bos, the document's ids, and with --eos the end of sequence
// As HF's LlamaTokenizer and FlagPerf's data_process.py make them; unlike the latter the order of
// files is fixed and the last block is kept. One report on stdout; on unusable arguments or input
// one line on stderr, exit 2, and no output file.
#include "npy.hpp"
#include "text_documents.hpp"
#include "tokenizer.hpp"
#include "unigram_entropy.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

struct options {
  std::filesystem::path text, tokenizer, out, model_prefix;
  trainer::npy_type dtype = trainer::npy_type::u2;
  std::optional<std::int32_t> train_vocabulary;
  bool eos = false;
};

options parsed(CLI::App& app, int argc, char** argv) {
  options o;
  std::map<std::string, trainer::npy_type> const dtypes{{"uint16", trainer::npy_type::u2},
                                                        {"int32", trainer::npy_type::i4},
                                                        {"int64", trainer::npy_type::i8}};
  app.add_option("--text", o.text, "a UTF-8 file, or a folder with one document per file")
      ->required();
  app.add_option("--out", o.out, "the .npy file to write")->required();
  auto* const tokenizer = app.add_option("--tokenizer", o.tokenizer, "a sentencepiece model");
  auto* const train = app.add_option("--train-tokenizer", o.train_vocabulary,
                                     "train a tokenizer of this many pieces on the text");
  auto* const prefix = app.add_option("--model-prefix", o.model_prefix,
                                      "write the trained tokenizer to PREFIX.model");
  app.add_option("--dtype", o.dtype, "element type: uint16 (default), int32, int64")
      ->transform(CLI::Transformer(dtypes));
  app.add_flag("--eos", o.eos, "end every document with the end-of-sequence id");
  train->needs(prefix)->excludes(tokenizer);
  prefix->needs(train);
  app.parse(argc, argv);
  if (tokenizer->empty() && train->empty())
    throw std::invalid_argument{
        "--tokenizer: needed a model, or --train-tokenizer to make one, received neither"};
  return o;
}

void require_room(trainer::npy_type dtype, std::int64_t vocabulary) {
  trainer::with_npy_type(dtype, [&]<class Item>(std::type_identity<Item>) {
    if (std::cmp_greater(vocabulary - 1, std::numeric_limits<Item>::max()))
      throw std::invalid_argument{"--dtype: needed a type that holds a vocabulary of " +
                                  std::to_string(vocabulary) + ", received " +
                                  std::string{trainer::description(dtype)}};
  });
}

std::vector<std::int32_t> all_ids(trainer::tokenizer const& tokenizer,
                                  std::vector<std::string> const& documents, bool eos) {
  if (eos && tokenizer.eos() < 0)
    throw std::invalid_argument{
        "--eos: needed a tokenizer with an end-of-sequence id, received one without"};
  std::vector<std::int32_t> ids;
  for (auto const& document : documents) {
    ids.push_back(tokenizer.bos());
    auto const encoded = tokenizer.ids(document);
    ids.insert(ids.end(), encoded.begin(), encoded.end());
    if (eos) ids.push_back(tokenizer.eos());
  }
  return ids;
}

double entropy(std::vector<std::int32_t> const& ids, std::int32_t vocabulary) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(vocabulary));
  for (auto const id : ids) ++counts[static_cast<std::size_t>(id)];
  return trainer::unigram_entropy(counts).value();  // every document has at least its bos
}

void prepare(options const& o) {
  if (o.train_vocabulary) require_room(o.dtype, *o.train_vocabulary);
  std::optional<trainer::tokenizer> tokenizer;
  if (!o.train_vocabulary) {
    tokenizer.emplace(o.tokenizer);
    require_room(o.dtype, tokenizer->vocabulary());
  }
  std::vector<std::string> documents;
  for (auto const& path : trainer::document_paths(o.text))
    documents.push_back(trainer::document_text(path));

  // both files are opened before the long work, and both appear only after it
  std::optional<trainer::atomic_file> model_file;
  if (!tokenizer) {
    auto const model_path = std::filesystem::path{o.model_prefix}.concat(".model");
    model_file.emplace(model_path);
    auto const model = trainer::trained_tokenizer(documents, *o.train_vocabulary);
    model_file->append(model);
    tokenizer.emplace(model, model_path);
  }
  auto const ids = all_ids(*tokenizer, documents, o.eos);
  trainer::write_npy(o.out, o.dtype, ids);
  if (model_file) model_file->commit();
  std::printf("tokens           %zu\ndocuments        %zu\nvocabulary       %d\n"
              "unigram entropy  %.6f nat/token\n",
              ids.size(), documents.size(), tokenizer->vocabulary(),
              entropy(ids, tokenizer->vocabulary()));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Makes a .npy file of token ids from plain text and a sentencepiece tokenizer."};
  try {
    prepare(parsed(app, argc, argv));
  } catch (CLI::CallForHelp const& help) {
    return app.exit(help);
  } catch (std::exception const& failure) {
    std::cerr << "prepare_tokens: " << failure.what() << '\n';
    return 2;
  }
}
