// Reads what json_lines wrote: the records of a steps.jsonl, oldest first.
//
//   auto const log = read_step_log("steps.jsonl");        log.records, log.cut
// A last line without its end is what a kill or a full disk leaves: it is left out and `cut` is set. Any
// other line that is no record is an error with its number. Keys that the record has not are passed over;
// `step` and `time` must be there. A step number that is not above the one before stands for a run that
// was resumed from a checkpoint: the records that it does again are the ones kept.
#pragma once

#include <kunmetrics/io/json_cursor.hpp>
#include <kunmetrics/io/json_document.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace kunmetrics {

template <typename Record>
struct step_log {
  std::vector<Record> records;
  std::int64_t lines = 0;     // whole ones
  std::int64_t restarts = 0;  // how often the step number went back
  bool cut = false;           // the last line had no end
};

namespace detail {
template <typename Record>
class step_log_reader {
 public:
  explicit step_log_reader(std::string name) : name_{std::move(name)} {}

  void feed(std::string_view chunk) {
    for (auto end = chunk.find('\n'); end != std::string_view::npos; end = chunk.find('\n')) {
      if (unfinished_.empty()) {
        line(chunk.substr(0, end));
      } else {
        line(unfinished_.append(chunk.substr(0, end)));
        unfinished_.clear();
      }
      chunk.remove_prefix(end + 1);
    }
    unfinished_ += chunk;
  }
  step_log<Record> finish() && {
    log_.cut = !unfinished_.empty();
    return std::move(log_);
  }

 private:
  void line(std::string_view text) {
    ++log_.lines;
    try {
      Record record{};
      json_cursor cursor{text};
      auto const seen = cursor.read_fields(record);
      cursor.finish();
      require(seen, "step", text);
      require(seen, "time", text);
      keep(std::move(record));
    } catch (json_misfit const& error) {
      throw input_error{needed_found(name_ + ':' + std::to_string(log_.lines), error.what(), printable(error.text))};
    }
  }

  static void require(std::uint64_t seen, std::string_view member, std::string_view text) {
    std::uint64_t bit = 1;
    boost::hana::for_each(boost::hana::accessors<Record>(), [&](auto const& pair) {
      if (boost::hana::first(pair).c_str() == member && (seen & bit) == 0)
        throw json_misfit{"the key \"" + std::string{member} + '"', text};
      bit <<= 1U;
    });
  }

  void keep(Record record) {
    auto& records = log_.records;
    if (!records.empty() && record.step <= records.back().step) {
      ++log_.restarts;
      while (!records.empty() && record.step <= records.back().step) records.pop_back();
    }
    records.push_back(std::move(record));
  }

  std::string name_;
  step_log<Record> log_;
  std::string unfinished_;
};
}  // namespace detail

// Throws input_error, `FILE:LINE: needed ..., found ...`.
template <typename Record = step_record>
step_log<Record> read_step_log(std::filesystem::path const& file) {
  std::ifstream stream{file, std::ios::binary};
  if (!stream || std::filesystem::is_directory(file)) {
    throw input_error{detail::needed_found(file.string(), "a readable file",
                                           std::filesystem::is_directory(file) ? "a directory" : "none")};
  }
  detail::step_log_reader<Record> reader{file.string()};
  std::vector<char> block(std::size_t{1} << 20U);
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())) || stream.gcount() > 0) {
    reader.feed({block.data(), static_cast<std::size_t>(stream.gcount())});
  }
  if (stream.bad()) throw input_error{detail::needed_found(file.string(), "a readable file", "an error while reading")};
  return std::move(reader).finish();
}

}  // namespace kunmetrics
