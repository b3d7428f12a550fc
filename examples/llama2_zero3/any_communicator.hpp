// A communicator of any transport behind one type, so that the engine is compiled once for all of them.
//
// Costs an indirect call a collective, of which there are a few a unit. It is also where a test's fault strikes.
#pragma once

#include "communicator.hpp"
#include "fault.hpp"

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace trainer {

class any_communicator {
 public:
  // `transport` must outlive this object.
  template <communicator C>
    requires(!std::same_as<C, any_communicator>)
  explicit any_communicator(C& transport) : transport_(&transport), calls_(&calls_of<C>) {}

  int rank() const { return calls_->rank(transport_); }
  int size() const { return calls_->size(transport_); }
  void all_gather(std::span<std::byte const> mine, std::span<std::byte> all) { calls_->all_gather(transport_, mine, all); }
  void all_to_all(std::span<std::byte const> send, std::span<std::byte> receive) {
    if (fault_ && fault_->kind == fault_kind::sends_nan && fault_->at(rank(), position_)) {
      std::vector<std::byte> const broken(send.size(), std::byte{0xff});  // NaN in every floating-point format
      return calls_->all_to_all(transport_, broken, receive);
    }
    calls_->all_to_all(transport_, send, receive);
  }
  void abort(std::string_view why) noexcept { calls_->abort(transport_, why); }
  void at(run_position const& position) {
    position_ = position;
    calls_->at(transport_, position);
    if (fault_ && fault_->at(rank(), position)) fault_->strike();
  }

 private:
  using bytes = std::span<std::byte const>;
  struct calls {
    int (*rank)(void const*);
    int (*size)(void const*);
    void (*all_gather)(void*, bytes, std::span<std::byte>);
    void (*all_to_all)(void*, bytes, std::span<std::byte>);
    void (*abort)(void*, std::string_view) noexcept;
    void (*at)(void*, run_position const&);
  };

  template <class C>
  static constexpr calls calls_of{
      .rank = [](void const* c) { return static_cast<C const*>(c)->rank(); },
      .size = [](void const* c) { return static_cast<C const*>(c)->size(); },
      .all_gather = [](void* c, bytes mine, std::span<std::byte> all) { static_cast<C*>(c)->all_gather(mine, all); },
      .all_to_all = [](void* c, bytes send, std::span<std::byte> receive) { static_cast<C*>(c)->all_to_all(send, receive); },
      .abort = [](void* c, std::string_view why) noexcept { static_cast<C*>(c)->abort(why); },
      .at =
          [](void* c, run_position const& position) {
            if constexpr (requires { static_cast<C*>(c)->at(position); }) static_cast<C*>(c)->at(position);
          }};

  void* transport_;
  calls const* calls_;
  run_position position_;
  std::optional<fault> fault_ = wanted_fault();  // tests want one; none else
};

static_assert(communicator<any_communicator>);

}  // namespace trainer
