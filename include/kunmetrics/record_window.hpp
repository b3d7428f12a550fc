// The newest records as one contiguous span, in memory taken once.
//
// Each record is written twice, a capacity apart, so that the span of the newest never wraps.
#pragma once

#include <kunmetrics/step_record.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace kunmetrics {

class record_window {
 public:
  // Throws precondition_error for a capacity of 0.
  explicit record_window(std::size_t capacity) : capacity_{capacity}, storage_(2 * capacity) {
    if (capacity == 0) broken_precondition("meter_settings.records_kept", "at least 1", "0");
  }

  // The reference and every span hold until `capacity` more records have come.
  step_record const& push(step_record const& record) {
    storage_[next_] = record;
    storage_[next_ + capacity_] = record;
    step_record const& kept = storage_[next_];
    if (++next_ == capacity_) next_ = 0;
    if (size_ < capacity_) ++size_;
    return kept;
  }

  std::size_t capacity() const { return capacity_; }
  std::span<step_record const> span() const {
    return {storage_.data() + (size_ < capacity_ ? 0 : next_), size_};
  }
  // The newest n, fewer when there are fewer.
  std::span<step_record const> newest(std::size_t n) const { return span().last(n < size_ ? n : size_); }

 private:
  std::size_t capacity_;
  std::size_t next_ = 0;
  std::size_t size_ = 0;
  std::vector<step_record> storage_;
};

}  // namespace kunmetrics
