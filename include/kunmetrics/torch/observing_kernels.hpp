// Kernels that run in the place of chosen operators of libtorch, on threads that observe.
//
// A thread observes while the dispatch key `observing` is among those it includes, as with
// c10::impl::IncludeDispatchKeyGuard; ThreadLocalState takes it wherever a backward pass goes. The key lies above
// autograd and autocast, so a kernel sees the operator as the program called it. Operators without a kernel fall
// through at no cost, and so does everything on other threads: that is what a RecordFunction, which is made for
// every operator, cannot do.
// DeferredInit is the one key above autograd that libtorch keeps for a mode of others; torchdistX, which had it
// made, cannot be used beside this. Left out: a second copy of this header in a process (plugins that hide their
// symbols) is refused the key, and none may be unloaded; an operator that has a kernel here cannot be defined
// again with other arguments; in a trace of libtorch 1.13's profiler the operator has no link to its backward.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/DispatchKey.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace kunmetrics::torch_operators {

inline constexpr auto observing = c10::DispatchKey::DeferredInit;

// One object in a process, made when its library is loaded, before main in a program: as libtorch's own kernels are.
// Kernel::of(name) makes the kernel for the operators of that name, or null for one that is passed by.
template <typename Kernel>
class observing_kernels {
 public:
  observing_kernels() {
    auto& dispatcher = c10::Dispatcher::singleton();
    if (dispatcher.hasBackendFallbackForDispatchKey(observing)) return;
    registered_ = new registrations;  // never taken back: threads may run operators to the last
    auto& handles = registered_->handles;
    handles.push_back(dispatcher.registerFallback(observing, c10::KernelFunction::makeFallthrough(), library));
    handles.push_back(dispatcher.addRegistrationListener(std::make_unique<listener>(*registered_)));
    registered_->put_in_place();
  }

  // The key, when the operators of libraries that were loaded since have their kernels too.
  // Throws std::runtime_error where another library has the key.
  c10::DispatchKey up_to_date() {
    if (registered_ == nullptr) {
      throw std::runtime_error{"libtorch's dispatch key DeferredInit is another library's, or another copy's of this"};
    }
    if (registered_->waiting.load(std::memory_order_acquire)) registered_->put_in_place();
    return observing;
  }

 private:
  static constexpr auto library = "kunmetrics";

  struct registrations {
    // A listener is called under the dispatcher's lock, under which nothing can be registered.
    std::mutex made_lock, handles_lock;
    std::vector<std::pair<c10::OperatorName, std::unique_ptr<Kernel>>> made;
    std::atomic<bool> waiting = false;
    std::unordered_set<c10::OperatorName> placed;
    std::vector<c10::RegistrationHandleRAII> handles;

    void put_in_place() {
      std::lock_guard const only_one{handles_lock};
      auto& dispatcher = c10::Dispatcher::singleton();
      while (auto each = next()) {
        auto& [name, made_kernel] = *each;
        if (!placed.insert(name).second) continue;  // its library is loaded again
        auto kernel = c10::KernelFunction::makeFromBoxedFunctor(std::move(made_kernel));
        handles.push_back(dispatcher.registerImpl(name, observing, std::move(kernel), {}, nullptr, library));
      }
    }
    auto next() -> std::optional<typename decltype(made)::value_type> {
      std::lock_guard const lock{made_lock};
      waiting.store(!made.empty(), std::memory_order_release);
      if (made.empty()) return std::nullopt;
      auto last = std::move(made.back());
      made.pop_back();
      return last;
    }
  };

  class listener final : public c10::OpRegistrationListener {
   public:
    explicit listener(registrations& to) : to_{to} {}
    void onOperatorRegistered(c10::OperatorHandle const& op) override {
      auto kernel = Kernel::of(op.operator_name().name);
      if (kernel == nullptr) return;
      std::lock_guard const lock{to_.made_lock};
      to_.made.emplace_back(op.operator_name(), std::move(kernel));
      to_.waiting.store(true, std::memory_order_release);
    }
    void onOperatorDeregistered(c10::OperatorHandle const&) override {}

   private:
    registrations& to_;
  };

  registrations* registered_ = nullptr;
};

}  // namespace kunmetrics::torch_operators
