// How kunmetrics says that a precondition is broken, and that a number is not known.
//
// A broken precondition throws `precondition_error` with the text
//   where: what was needed, what was received
// and in a constant expression does not compile. What is not known is a `maybe`: a std::optional
// that carries the reason of its emptiness, so that a report can print `-` and say why.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace kunmetrics {

struct precondition_error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// Throws `precondition_error` with "where: needed ..., received ...".
[[noreturn]] inline void broken_precondition(std::string_view where, std::string_view needed,
                                             std::string_view received) {
  throw precondition_error{std::string{where} + ": needed " + std::string{needed} + ", received " +
                           std::string{received}};
}

// Why a value is missing. The text outlives the value: a literal, or storage of the caller's.
struct absent {
  std::string_view reason;
};

// A value, or the reason that there is none.
template <typename T>
class maybe : public std::optional<T> {
 public:
  constexpr maybe(T value) : std::optional<T>{std::move(value)} {}
  constexpr maybe(absent why) : reason_{why.reason} {}

  // Empty when there is a value.
  constexpr std::string_view reason() const { return reason_; }

 private:
  std::string_view reason_;
};

}  // namespace kunmetrics
