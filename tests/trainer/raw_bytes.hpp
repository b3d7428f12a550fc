// Bytes of little-endian numbers, to make files of any format by hand.
#pragma once

#include <cstring>
#include <initializer_list>
#include <span>
#include <string>

namespace trainer_test {

template <class T>
std::string raw(std::span<T const> values) {
  return {reinterpret_cast<char const*>(values.data()), values.size_bytes()};
}

template <class T>
std::string raw(std::initializer_list<T> values) {
  return raw(std::span<T const>{values.begin(), values.size()});
}

}  // namespace trainer_test
