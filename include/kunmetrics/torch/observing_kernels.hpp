// Kernels that run in the place of chosen operators of libtorch, on threads that observe.
//
// A thread observes while the dispatch key `observing` is among those it includes, as with
// c10::impl::IncludeDispatchKeyGuard; ThreadLocalState takes it wherever a backward pass goes. The key lies above
// autograd and autocast, so a kernel sees the operator as the program called it. Operators without a kernel fall
// through at no cost, and so does everything on other threads: that is what a RecordFunction, which is made for
// every operator, cannot do.
// DeferredInit is the one key of libtorch for modes that are not libtorch's own; torchdistX, which had it made,
// cannot be used beside this.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/DispatchKey.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace kunmetrics::torch_operators {

inline constexpr auto observing = c10::DispatchKey::DeferredInit;

// One object for each Kernel, made before main as libtorch's own kernels are: no thread runs operators then.
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
      throw std::runtime_error{"libtorch's dispatch key DeferredInit is in use by another library"};
    }
    if (registered_->waiting.load(std::memory_order_acquire)) registered_->put_in_place();
    return observing;
  }

 private:
  static constexpr auto library = "kunmetrics";

  struct registrations {
    // A listener is called under the dispatcher's lock, under which nothing can be registered.
    std::mutex names_lock, handles_lock;
    std::vector<c10::OperatorName> names;
    std::atomic<bool> waiting = false;
    std::vector<c10::RegistrationHandleRAII> handles;

    void put_in_place() {
      std::lock_guard const only_one{handles_lock};
      auto& dispatcher = c10::Dispatcher::singleton();
      for (auto const& name : taken()) {
        auto const loaded_again = dispatcher.findOp(name);
        if (loaded_again && loaded_again->hasKernelForDispatchKey(observing)) continue;
        auto kernel = c10::KernelFunction::makeFromBoxedFunctor(Kernel::of(name.name));
        handles.push_back(dispatcher.registerImpl(name, observing, std::move(kernel), {}, nullptr, library));
      }
      std::lock_guard const lock{names_lock};
      waiting.store(!names.empty(), std::memory_order_release);
    }
    std::vector<c10::OperatorName> taken() {
      std::lock_guard const lock{names_lock};
      return std::exchange(names, {});
    }
  };

  class listener final : public c10::OpRegistrationListener {
   public:
    explicit listener(registrations& to) : to_{to} {}
    void onOperatorRegistered(c10::OperatorHandle const& op) override {
      if (Kernel::of(op.operator_name().name) == nullptr) return;
      std::lock_guard const lock{to_.names_lock};
      to_.names.push_back(op.operator_name());
      to_.waiting.store(true, std::memory_order_release);
    }
    void onOperatorDeregistered(c10::OperatorHandle const&) override {}

   private:
    registrations& to_;
  };

  registrations* registered_ = nullptr;
};

}  // namespace kunmetrics::torch_operators
