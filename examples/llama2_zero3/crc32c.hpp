// CRC-32C (Castagnoli): the checksum of checkpoints, reflected polynomial 0x82f63b78.
//
// By the processor's own instruction where it has one (SSE 4.2, ARMv8 CRC), eight bytes at a time, and by
// eight tables of 256 entries elsewhere. Source of the vectors it is tested against: RFC 3720, B.4.
// It finds damage, not forgery.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace trainer {

static_assert(std::endian::native == std::endian::little, "crc32c.hpp reads eight bytes as one little-endian number");

namespace detail {
// tables[k][b]: what byte b contributes when k more bytes follow it.
constexpr std::array<std::array<std::uint32_t, 256>, 8> crc32c_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    auto rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1U ^ ((rest & 1U) != 0 ? 0x82f63b78U : 0U);
    tables[0][byte] = rest;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      auto const before = tables[k - 1][byte];
      tables[k][byte] = before >> 8U ^ tables[0][before & 0xffU];
    }
  }
  return tables;
}

inline std::uint64_t eight_bytes(std::byte const* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Both take and give the register, which is the checksum inverted.
inline std::uint32_t crc32c_by_tables(std::span<std::byte const> bytes, std::uint32_t state) {
  static constexpr auto tables = crc32c_tables();
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    auto const mixed = eight_bytes(bytes.data()) ^ state;
    state = 0;
    for (std::size_t k = 0; k < 8; ++k) state ^= tables[7 - k][mixed >> 8 * k & 0xffU];
  }
  for (auto const byte : bytes) state = state >> 8U ^ tables[0][(state ^ std::to_integer<std::uint32_t>(byte)) & 0xffU];
  return state;
}

#if defined(__x86_64__)
inline bool has_crc32c_instruction() { return __builtin_cpu_supports("sse4.2") != 0; }
[[gnu::target("sse4.2")]] inline std::uint32_t crc32c_by_instruction(std::span<std::byte const> bytes, std::uint32_t state) {
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    state = static_cast<std::uint32_t>(_mm_crc32_u64(state, eight_bytes(bytes.data())));
  }
  for (auto const byte : bytes) state = _mm_crc32_u8(state, std::to_integer<unsigned char>(byte));
  return state;
}
#elif defined(__ARM_FEATURE_CRC32)
inline bool has_crc32c_instruction() { return true; }
inline std::uint32_t crc32c_by_instruction(std::span<std::byte const> bytes, std::uint32_t state) {
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) state = __crc32cd(state, eight_bytes(bytes.data()));
  for (auto const byte : bytes) state = __crc32cb(state, std::to_integer<unsigned char>(byte));
  return state;
}
#else
inline bool has_crc32c_instruction() { return false; }
inline std::uint32_t crc32c_by_instruction(std::span<std::byte const> bytes, std::uint32_t state) {
  return crc32c_by_tables(bytes, state);
}
#endif
}  // namespace detail

// The checksum of `bytes`, or of what `before` is the checksum of with `bytes` after it.
inline std::uint32_t crc32c(std::span<std::byte const> bytes, std::uint32_t before = 0) {
  static bool const instruction = detail::has_crc32c_instruction();
  return ~(instruction ? detail::crc32c_by_instruction(bytes, ~before) : detail::crc32c_by_tables(bytes, ~before));
}

}  // namespace trainer
