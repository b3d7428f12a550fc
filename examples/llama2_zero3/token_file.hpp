// A token file as the trainer sees it: ids in [0, vocabulary), cut into sequences of S tokens.
//   sequence q = tokens [q*S, (q+1)*S),  q < floor(size / S); the tail of size mod S is dropped
// Source: FlagPerf's llama_dataset.py (windows do not overlap; labels are the inputs, so that a
// sequence makes S-1 predictions). Beginning-of-sequence marks stay where the file has them.
// Left out: several files, shuffling (sampler.hpp).
#pragma once

#include "crc32c.hpp"
#include "npy.hpp"
#include "token_format.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace trainer {

// Safe to share between threads: nothing changes after construction.
class token_file {
 public:
  // Maps the file without looking at the ids; throws std::invalid_argument unless the vocabulary
  // is in [1, 2^31), std::runtime_error for a file that opened_tokens cannot accept.
  token_file(std::filesystem::path path, std::int64_t vocabulary)
      : array_{opened_tokens(std::move(path))}, vocabulary_{vocabulary} {
    if (vocabulary < 1 || vocabulary > std::numeric_limits<std::int32_t>::max())
      throw std::invalid_argument{"token_file: needed a vocabulary in [1, 2^31), received " +
                                  std::to_string(vocabulary)};
  }

  std::filesystem::path const& path() const noexcept { return array_.path(); }
  std::int64_t vocabulary() const noexcept { return vocabulary_; }

  // Tokens in the file.
  std::int64_t size() const noexcept { return static_cast<std::int64_t>(array_.size()); }

  // Whole sequences of `length` tokens; throws std::invalid_argument for a length below 1.
  std::int64_t sequences(std::int64_t length) const {
    if (length < 1)
      throw std::invalid_argument{"token_file: needed a sequence length of 1 or more, received " +
                                  std::to_string(length)};
    return size() / length;
  }

  // Fills `out` with sequence `index` of out.size() tokens. Throws std::out_of_range for a
  // sequence the file does not have, std::runtime_error for an id outside the vocabulary.
  void copy_sequence(std::int64_t index, std::span<std::int32_t> out) const {
    auto const length = static_cast<std::int64_t>(out.size());
    if (index < 0 || index >= sequences(length))
      throw std::out_of_range{path().string() + ": needed a sequence in [0, " +
                              std::to_string(sequences(length)) + ") of " +
                              std::to_string(length) + " tokens, received " +
                              std::to_string(index)};
    copy_block(static_cast<std::uint64_t>(index * length), out);
  }

  // Reads every id once, before anything is trained or written. Throws std::runtime_error
  // `path: offset N: ...` at the first id outside the vocabulary.
  void validate() const {
    for_each_block([](std::span<std::int32_t const>) {});
  }

  // What one reading of the whole file tells.
  struct content {
    std::vector<std::int64_t> counts;  // how often each id occurs, [vocabulary]
    std::uint32_t crc = 0;             // CRC-32C of the ids as 32-bit numbers, in whatever format the file has them
  };

  // Validates as it reads.
  content read() const {
    content told{.counts = std::vector<std::int64_t>(static_cast<std::size_t>(vocabulary_))};
    for_each_block([&](std::span<std::int32_t const> block) {
      for (auto const id : block) ++told.counts[static_cast<std::size_t>(id)];
      told.crc = crc32c(std::as_bytes(block), told.crc);
    });
    return told;
  }

 private:
  template <class Function>
  void for_each_block(Function&& function) const {
    constexpr std::uint64_t block_tokens = 1 << 13;  // stays in the first-level cache
    array_.advise(access_pattern::sequential);
    std::vector<std::int32_t> block(std::min(block_tokens, array_.size()));
    for (std::uint64_t first = 0; first < array_.size(); first += block_tokens) {
      auto const part = std::span{block}.first(std::min(block_tokens, array_.size() - first));
      copy_block(first, part);
      function(std::span<std::int32_t const>{part});
    }
    array_.advise(access_pattern::random);  // sequences are read in shuffled order
  }

  void copy_block(std::uint64_t first, std::span<std::int32_t> out) const {
    with_npy_type(array_.type(), [&]<class Item>(std::type_identity<Item>) {
      auto const* const source = array_.data().data() + first * sizeof(Item);
      auto const limit = static_cast<std::uint64_t>(vocabulary_);
      bool misfit = false;  // no branch in the loop, so that it becomes vector code
      for (std::size_t i = 0; i < out.size(); ++i) {
        Item item;
        std::memcpy(&item, source + i * sizeof(Item), sizeof(Item));
        // a negative id turns into a huge one
        misfit |= static_cast<std::uint64_t>(static_cast<std::int64_t>(item)) >= limit;
        out[i] = static_cast<std::int32_t>(item);
      }
      if (misfit) throw_first_misfit<Item>(first, first + out.size());
    });
  }

  template <class Item>
  [[noreturn]] void throw_first_misfit(std::uint64_t first, std::uint64_t last) const {
    for (auto index = first; index < last; ++index) {
      Item item;
      std::memcpy(&item, array_.data().data() + index * sizeof(Item), sizeof(Item));
      if (std::cmp_greater_equal(item, 0) && std::cmp_less(item, vocabulary_)) continue;
      throw file_error(path(), array_.offset(index),
                       "a token id below the vocabulary of " + std::to_string(vocabulary_),
                       std::to_string(item) + " as token " + std::to_string(index));
    }
    throw file_error(path(), array_.offset(first), "a file that stays as it is while it is read",
                     "a change");
  }

  integer_file array_;
  std::int64_t vocabulary_;
};

}  // namespace trainer
