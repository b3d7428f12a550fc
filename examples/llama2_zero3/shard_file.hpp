// One rank's part of a checkpoint: its share of every unit's fp32 parameters, m and v, with checksums.
//
//   "KUNSHARD"  version u32 = 1  rank u32  ranks u32  units u32  step u64                    32 bytes
//   per unit    first u64  count u64  offset u64  CRC-32C u32 of parameters, of m, of v  0 u32   40 bytes
//   CRC-32C u32 of everything before
//   per unit    parameters [count] f32, m [count], v [count], each from a multiple of 64 bytes on
//
// All little-endian. `first` counts elements of the unit, which no padding interrupts, so that any number of
// ranks can be cut from any other's files. The checksums stand in front and are checked by whoever reads.
#pragma once

#include "atomic_file.hpp"
#include "commit_point.hpp"
#include "crc32c.hpp"
#include "mapped_file.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trainer {

enum class state_part { parameters, m, v };
inline constexpr std::array<std::string_view, 3> state_part_names{"parameters", "m", "v"};

struct shard_header {
  char magic[8];
  std::uint32_t version, rank, ranks, units;
  std::uint64_t step;

  friend bool operator==(shard_header const&, shard_header const&) = default;
};
struct shard_unit {
  std::uint64_t first, count, offset;
  std::array<std::uint32_t, 3> crc;
  std::uint32_t zero;
};
static_assert(sizeof(shard_header) == 32 && sizeof(shard_unit) == 40);

inline constexpr std::string_view shard_magic = "KUNSHARD";
inline constexpr std::uint32_t shard_version = 1;

namespace detail {
constexpr std::uint64_t aligned64(std::uint64_t bytes) { return (bytes + 63) / 64 * 64; }
// Bytes of one part of a unit in the file.
constexpr std::uint64_t part_bytes(std::uint64_t count) { return aligned64(count * sizeof(float)); }
constexpr std::uint64_t table_bytes(std::uint64_t units) {
  return sizeof(shard_header) + units * sizeof(shard_unit) + sizeof(std::uint32_t);
}
}  // namespace detail

// What a rank had at one step, copied, so that training can go on while it is written.
class shard_copy {
 public:
  shard_copy(std::uint32_t rank, std::uint32_t ranks) : rank_{rank}, ranks_{ranks} {}

  // Forgets what was copied, but keeps the memory.
  void begin(std::uint64_t step) {
    step_ = step;
    units_.clear();
    values_.clear();
  }

  // Adds the next unit; the three spans are of one size.
  void add(std::uint64_t first, std::span<float const> parameters, std::span<float const> m, std::span<float const> v) {
    units_.push_back({.first = first, .count = parameters.size(), .offset = 0, .crc = {}, .zero = 0});
    for (auto const part : {parameters, m, v}) values_.insert(values_.end(), part.begin(), part.end());
  }

  struct written_file {
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;  // of the header, which holds those of the data
  };

  // Writes all of it, whole or not at all. Throws std::runtime_error when the disk refuses.
  written_file write(std::filesystem::path const& path) {
    auto const head = header();
    atomic_file file{path};
    file.append(std::string_view{head});
    std::uint64_t at = head.size();
    auto const* from = values_.data();
    for (auto const& unit : units_) {
      for (std::size_t part = 0; part < 3; ++part, from += unit.count) {
        at = padded(file, at);
        file.append(std::as_bytes(std::span{from, unit.count}));
        at += unit.count * sizeof(float);
      }
    }
    at = padded(file, at);
    commit_point("shard written");
    file.commit();
    commit_point("shard synced");
    std::uint32_t crc = 0;
    std::memcpy(&crc, head.data() + head.size() - sizeof crc, sizeof crc);
    return {at, crc};
  }

 private:
  std::string header() {
    auto offset = detail::aligned64(detail::table_bytes(units_.size()));
    auto const* from = values_.data();
    for (auto& unit : units_) {
      unit.offset = offset;
      offset += 3 * detail::part_bytes(unit.count);
      for (auto& crc : unit.crc) {
        crc = crc32c(std::as_bytes(std::span{from, unit.count}));
        from += unit.count;
      }
    }
    shard_header head{.magic = {}, .version = shard_version, .rank = rank_, .ranks = ranks_,
                      .units = static_cast<std::uint32_t>(units_.size()), .step = step_};
    std::memcpy(head.magic, shard_magic.data(), sizeof head.magic);
    std::string bytes{reinterpret_cast<char const*>(&head), sizeof head};
    bytes.append(reinterpret_cast<char const*>(units_.data()), units_.size() * sizeof(shard_unit));
    auto const crc = crc32c(std::as_bytes(std::span{bytes}));
    return bytes.append(reinterpret_cast<char const*>(&crc), sizeof crc);
  }

  static std::uint64_t padded(atomic_file& file, std::uint64_t at) {
    static constexpr std::array<std::byte, 64> zeros{};
    file.append(std::span{zeros}.first(detail::aligned64(at) - at));
    return detail::aligned64(at);
  }

  std::uint32_t rank_, ranks_;
  std::uint64_t step_ = 0;
  std::vector<shard_unit> units_;
  std::vector<float> values_;
};

// A shard file, its header checked when it is opened, its data when they are read.
class shard_file {
 public:
  // Throws std::runtime_error `path: offset N: ...` for a file that is not whole, or whose header is damaged.
  explicit shard_file(std::filesystem::path path) : file_{std::move(path)} {
    auto const bytes = file_.bytes();
    auto const refuse = [&](std::uint64_t offset, std::string const& needed, std::string const& received) {
      throw file_error(file_.path(), offset, needed, received);
    };
    if (bytes.size() < sizeof header_) refuse(bytes.size(), "a shard's header", "the end of the file");
    std::memcpy(&header_, bytes.data(), sizeof header_);
    if (std::string_view{header_.magic, sizeof header_.magic} != shard_magic) refuse(0, "the magic KUNSHARD", "other bytes");
    if (header_.version != shard_version) refuse(8, "version 1", std::to_string(header_.version));
    if (header_.units == 0) refuse(offsetof(shard_header, units), "at least one unit", "0");
    auto const table = detail::table_bytes(header_.units);
    if (bytes.size() < table) refuse(bytes.size(), "a table of " + std::to_string(header_.units) + " units", "the end of the file");
    std::uint32_t stated = 0;
    std::memcpy(&stated, bytes.data() + table - sizeof stated, sizeof stated);
    if (crc32c(bytes.first(table - sizeof stated)) != stated) {
      refuse(table - sizeof stated, "the checksum of an undamaged header", "another one");
    }
    crc_ = stated;  // and not that of the whole header: with its checksum at the end that is a constant
    units_.resize(header_.units);
    std::memcpy(units_.data(), bytes.data() + sizeof header_, units_.size() * sizeof(shard_unit));
    require_layout(table);
  }

  std::filesystem::path const& path() const { return file_.path(); }
  shard_header const& header() const { return header_; }
  std::vector<shard_unit> const& units() const { return units_; }
  std::uint64_t bytes() const { return file_.bytes().size(); }
  std::uint32_t crc() const { return crc_; }

  // The bytes of a unit's part, once their checksum is right; throws std::runtime_error where it is not.
  std::span<std::byte const> verified(std::size_t unit, state_part part) const {
    auto const& of = units_.at(unit);
    auto const which = static_cast<std::size_t>(part);
    auto const offset = of.offset + which * detail::part_bytes(of.count);
    auto const data = file_.bytes().subspan(offset, of.count * sizeof(float));
    if (crc32c(data) == of.crc[which]) return data;
    throw file_error(path(), offset, "the undamaged " + std::string{state_part_names[which]} + " of unit " + std::to_string(unit),
                     "a wrong checksum of " + std::to_string(data.size()) + " bytes");
  }

 private:
  // Units lie one after the other and end with the file, so that no offset has to be believed later.
  void require_layout(std::uint64_t table) const {
    auto at = detail::aligned64(table);
    for (auto const& unit : units_) {
      if (unit.offset != at || unit.count > (bytes() - std::min(at, bytes())) / (3 * sizeof(float))) {
        throw file_error(path(), at, "the data of a unit of " + std::to_string(unit.count) + " elements",
                         "a table that says offset " + std::to_string(unit.offset) + " of " + std::to_string(bytes()) + " bytes");
      }
      at += 3 * detail::part_bytes(unit.count);
    }
    if (at != bytes()) {
      throw file_error(path(), std::min(at, bytes()), "a file of " + std::to_string(at) + " bytes", std::to_string(bytes()));
    }
  }

  mapped_file file_;
  shard_header header_{};
  std::vector<shard_unit> units_;
  std::uint32_t crc_ = 0;
};

}  // namespace trainer
