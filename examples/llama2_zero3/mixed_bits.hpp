// The output function of splitmix64: a bijection of 64 bits in which every input bit reaches all others.
// Source: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
#pragma once

#include <cstdint>

namespace trainer {

constexpr std::uint64_t mixed_bits(std::uint64_t z) noexcept {
  z += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

}  // namespace trainer
