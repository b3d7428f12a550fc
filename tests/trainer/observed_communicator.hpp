// A communicator that tells an observer of every collective before it happens: to count bytes, to
// delay a rank, or to make it fail.
#pragma once

#include "communicator.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

namespace trainer {

template <communicator Inner>
class observed_communicator {
 public:
  // Called with the collective's name and the bytes this rank receives.
  using observer = std::function<void(std::string_view, std::size_t)>;

  observed_communicator(Inner& inner, observer observe)
      : inner_(inner), observe_(std::move(observe)) {}

  int rank() const { return inner_.rank(); }
  int size() const { return inner_.size(); }

  void all_gather(std::span<std::byte const> mine, std::span<std::byte> all) {
    observe_("all_gather", all.size());
    inner_.all_gather(mine, all);
  }
  void all_to_all(std::span<std::byte const> send, std::span<std::byte> receive) {
    observe_("all_to_all", receive.size());
    inner_.all_to_all(send, receive);
  }
  void abort(std::string_view why) noexcept { inner_.abort(why); }

 private:
  Inner& inner_;
  observer observe_;
};

}  // namespace trainer
