// Which sample is trained when: an endless shuffled stream, every sample once per epoch.
//   position p of the stream: epoch p / n, place p mod n in that epoch's permutation of [0, n)
//   step t, micro-step k, rank r, row i:  j = k*N + r,  p = p0 + (t*(N*GAS) + j)*LBS + i
// The position uses N and GAS only through N*GAS and j, so that the data of a step do not depend
// on N. A step may end one epoch and begin the next: no sample is dropped or padded, unlike
// torch's DistributedSampler. Resuming needs the number of samples trained, p0, and nothing else.
// The permutation is a Feistel network on the next power of four, cycle-walked into [0, n): random
// access in O(1) memory. Source: Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains".
#pragma once

#include "mixed_bits.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace trainer {

// A pseudo-random bijection of [0, size) that is a pure function of (size, key).
class permutation {
 public:
  // Throws std::invalid_argument unless size is in [1, 2^62].
  constexpr permutation(std::int64_t size, std::uint64_t key) : size_{size}, key_{mixed_bits(key)} {
    if (size < 1 || size > most)
      throw std::invalid_argument{"permutation: needed a size in [1, 2^62], received " +
                                  std::to_string(size)};
    auto const bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(size - 1)));
    half_ = std::max(smallest_half, (bits + 1) / 2);
  }

  constexpr std::int64_t size() const noexcept { return size_; }

  // The image of `index`; throws std::out_of_range outside [0, size).
  constexpr std::int64_t operator()(std::int64_t index) const {
    if (index < 0 || index >= size_)
      throw std::out_of_range{"permutation: needed an index in [0, " + std::to_string(size_) +
                              "), received " + std::to_string(index)};
    auto walker = static_cast<std::uint64_t>(index);
    // the network permutes under 4 * size values (64 where size is small), so that the walk is
    // short on average, and it ends: the cycle leads back to `index` itself at the latest
    do {
      walker = network(walker);
    } while (walker >= static_cast<std::uint64_t>(size_));
    return static_cast<std::int64_t>(walker);
  }

 private:
  static constexpr std::int64_t most = std::int64_t{1} << 62;
  static constexpr std::uint64_t rounds = 8;
  static constexpr int smallest_half = 3;  // narrower halves reach too few of the permutations

  constexpr std::uint64_t network(std::uint64_t value) const {
    auto const mask = (std::uint64_t{1} << half_) - 1;
    auto left = value >> half_, right = value & mask;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      auto const next = left ^ (mixed_bits(mixed_bits(key_ + round) ^ right) & mask);
      left = right;
      right = next;
    }
    return left << half_ | right;
  }

  std::int64_t size_;
  std::uint64_t key_;
  int half_ = smallest_half;  // bits of one half of the network
};

// How a step's samples are dealt out to ranks and micro-steps.
struct micro_batches {
  std::int64_t ranks;         // N
  std::int64_t accumulation;  // GAS, micro-steps per step
  std::int64_t samples;       // LBS, samples per micro-batch
  std::int64_t first_sample = 0;  // position where step 0 begins: what was trained before, in other sizes perhaps

  // Stream position of the first sample of a micro-batch; the others follow it one by one.
  // Throws std::invalid_argument for a size below 1 and for a place outside the step.
  constexpr std::int64_t first_position(std::int64_t step, std::int64_t micro_step,
                                        std::int64_t rank) const {
    require(ranks >= 1 && accumulation >= 1 && samples >= 1, "sizes of 1 or more", ranks,
            accumulation, samples);
    require(first_sample >= 0, "a first sample of 0 or more", first_sample, ranks, accumulation);
    require(step >= 0 && micro_step >= 0 && micro_step < accumulation && rank >= 0 && rank < ranks,
            "a step, micro-step and rank in range", step, micro_step, rank);
    return first_sample + (step * (ranks * accumulation) + micro_step * ranks + rank) * samples;
  }

 private:
  static constexpr void require(bool holds, char const* needed, std::int64_t a, std::int64_t b,
                                std::int64_t c) {
    if (!holds)
      throw std::invalid_argument{std::string{"micro_batches: needed "} + needed + ", received " +
                                  std::to_string(a) + ", " + std::to_string(b) + ", " +
                                  std::to_string(c)};
  }
};

// The shuffled stream over `samples` samples; a pure function of (samples, seed).
class sampler {
 public:
  // Throws std::invalid_argument when there are no samples.
  constexpr sampler(std::int64_t samples, std::uint64_t seed) : samples_{samples}, seed_{seed} {
    if (samples < 1)
      throw std::invalid_argument{"sampler: needed at least one sample, received " +
                                  std::to_string(samples)};
  }

  constexpr std::int64_t samples() const noexcept { return samples_; }

  // The epoch that a stream position belongs to; throws std::invalid_argument below 0.
  constexpr std::int64_t epoch(std::int64_t position) const {
    if (position < 0)
      throw std::invalid_argument{"sampler: needed a position of 0 or more, received " +
                                  std::to_string(position)};
    return position / samples_;
  }

  // The order of one epoch.
  constexpr permutation order(std::int64_t epoch) const {
    // mixing the seed first keeps (seed, epoch + 1) from being (seed + 1, epoch)
    return {samples_, mixed_bits(seed_) + static_cast<std::uint64_t>(epoch)};
  }

  // The sample at a stream position, in [0, samples); throws std::invalid_argument below 0.
  constexpr std::int64_t sample(std::int64_t position) const {
    return order(epoch(position))(position % samples_);
  }

 private:
  std::int64_t samples_;
  std::uint64_t seed_;
};

}  // namespace trainer
