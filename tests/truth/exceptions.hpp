// Rows that are not reproduced: exceptions.csv lists file, row, and the reason that was found.
//
// A row that fails must be listed, and a listed row that holds is an error too: no exception outlives
// its reason.
#pragma once

#include "csv.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace truth {

class exceptions {
 public:
  explicit exceptions(std::string const& file) {
    for (auto const& row : read_csv("exceptions.csv")) {
      if (row.at("file") == file) listed_.insert(row.at("row"));
    }
  }

  // `key` names the row: its line, or its name where that is unique.
  void expect(std::string const& key, bool holds) {
    bool const excused = listed_.contains(key);
    CAPTURE(key);
    CHECK(holds != excused);
    if (!excused) ++reproduced_;
    seen_.insert(key);
  }

  std::size_t reproduced() const { return reproduced_; }

  // Every exception names a row that there is.
  ~exceptions() {
    for (auto const& key : listed_) {
      CAPTURE(key);
      CHECK(seen_.contains(key));
    }
  }
  exceptions(exceptions const&) = delete;
  exceptions& operator=(exceptions const&) = delete;

 private:
  std::set<std::string> listed_, seen_;
  std::size_t reproduced_ = 0;
};

}  // namespace truth
