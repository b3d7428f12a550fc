// The FLOP that a libtorch program executes, counted call by call while a scope is alive.
//
//   km::flop_counter counter;
//   loss = model->forward(x); loss.backward();
//   counter.counted().forward     FLOP of the forward pass, exact
// Counts what this thread runs and the backward passes that it starts, on whatever threads autograd runs
// them. forward, backward and recomputed work stand apart; so does what fused kernels skip of a causal
// square. Operators that may do products but have no formula are listed by uncounted(), never ignored.
// Out of scope it costs nothing: no callback is left behind. Counters nest, each sees the inner one's work.
// Recomputed is a forward operator in the backward pass while grad mode is on, as checkpointing runs it; a
// backward pass with create_graph looks the same and is counted there. Left out: element-wise work.
#pragma once

#include <kunmetrics/torch/operator_flops.hpp>

#include <ATen/SequenceNumber.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace kunmetrics {

struct executed_flop {
  std::int64_t forward = 0;
  std::int64_t backward = 0;
  std::int64_t recomputed = 0;  // forward products run again for the backward pass, those of fused kernels too
  std::int64_t masked = 0;      // of forward and backward, what a causal attention operator need not compute: half

  std::int64_t model() const { return forward + backward; }  // the work that MFU is about
  std::int64_t hardware() const { return model() + recomputed; }
  friend bool operator==(executed_flop const&, executed_flop const&) = default;
};

namespace detail::counting {

// The inputs of a call. RecordFunction::inputs() will not do: where a program without NDEBUG is linked with a
// libtorch that was built with it, it asserts a flag that the library never sets. An explicit instantiation may
// name a private member.
template <auto Member>
struct reached_inputs {
  friend torch_operators::inputs inputs_of(at::RecordFunction const& called) { return called.*Member; }
};
torch_operators::inputs inputs_of(at::RecordFunction const& called);
template struct reached_inputs<&at::RecordFunction::inputs_>;

enum class pass { forward, backward, recomputed };

// Relaxed sums: autograd's threads add while the owner reads.
class flop_sums {
 public:
  void add(pass in, torch_operators::operator_flop const& call) {
    add_to(in == pass::forward ? forward_ : in == pass::backward ? backward_ : recomputed_, call.flop);
    if (call.masked != 0 && in != pass::recomputed) add_to(masked_, call.masked);
    if (call.recomputed != 0) add_to(recomputed_, call.recomputed);
  }
  executed_flop read() const { return {forward_.load(), backward_.load(), recomputed_.load(), masked_.load()}; }

 private:
  static void add_to(std::atomic<std::int64_t>& sum, std::int64_t flop) { sum.fetch_add(flop, std::memory_order_relaxed); }
  std::atomic<std::int64_t> forward_{0}, backward_{0}, recomputed_{0}, masked_{0};
};

// Operators between two numbers of autograd's sequence, on one thread, that ran in a module's scope: a
// node of the backward pass carries the number of the operator that made it.
struct module_range {
  std::uint64_t thread, first, last;
  flop_sums* sums;
};

// What one counter has counted. Reached by autograd's threads through libtorch's thread-local debug info,
// which goes wherever a backward pass goes.
class state : public c10::DebugInfoBase {
 public:
  explicit state(state* outer) : outer_{outer} {}

  static state* active() { return dynamic_cast<state*>(c10::ThreadLocalDebugInfo::get(kind)); }
  state* outer() const { return outer_; }

  // Of those that libtorch has, the kind that no part of a training uses.
  static constexpr auto kind = c10::DebugInfoKind::PRODUCER_INFO;

  flop_sums sums;

  flop_sums& module(std::string const& name) {
    std::lock_guard const lock{mutex_};
    return modules_[name];
  }
  void remember(module_range const& range) {
    std::lock_guard const lock{mutex_};
    ranges_.push_back(range);
    if (ranges_.size() > ranges_kept) ranges_.pop_front();
  }
  // The innermost scope of an operator's sequence number: the one that ended first.
  flop_sums* module_of(std::uint64_t thread, std::int64_t sequence) {
    std::lock_guard const lock{mutex_};
    if (sequence < 0) return nullptr;
    auto const at = static_cast<std::uint64_t>(sequence);
    for (auto const& range : ranges_) {
      if (range.thread == thread && range.first <= at && at < range.last) return range.sums;
    }
    return nullptr;
  }
  void list(std::string_view name) {
    std::lock_guard const lock{mutex_};
    ++uncounted_[std::string{name}];
  }

  std::map<std::string, executed_flop> by_module() const {
    std::lock_guard const lock{mutex_};
    std::map<std::string, executed_flop> read;
    for (auto const& [name, sum] : modules_) read.emplace(name, sum.read());
    return read;
  }
  std::map<std::string, std::int64_t> uncounted() const {
    std::lock_guard const lock{mutex_};
    return uncounted_;
  }

 private:
  static constexpr std::size_t ranges_kept = 65'536;  // of the graphs that a backward pass may still come for
  state* outer_;
  mutable std::mutex mutex_;
  std::map<std::string, flop_sums> modules_;
  std::deque<module_range> ranges_;
  std::map<std::string, std::int64_t> uncounted_;
};

// A module's scope that is open on this thread.
struct module_frame {
  state* of;
  flop_sums* sums;
  module_frame* outer;
};
inline thread_local module_frame* innermost = nullptr;

// Where this thread is: in which node of a backward pass, and inside of an operator that is counted whole.
struct place {
  bool in_backward = false;
  bool counted_whole = false;
  std::int64_t sequence = -1;
  std::uint64_t forward_thread = 0;
  module_frame* outermost = nullptr;  // scopes that were open when the backward pass began say nothing of it
  std::int64_t counted_calls = 0;     // to tell whether an operator was counted by its parts
};
inline thread_local place here;

// Puts the place back as it was, at the end of an operator.
struct left_behind : at::ObserverContext {
  place before = here;
  std::string_view list_unless_counted{};
};

inline flop_sums* module_at(state& each) {
  for (auto* frame = innermost; frame != here.outermost && frame != nullptr; frame = frame->outer) {
    if (frame->of == &each) return frame->sums;
  }
  return here.in_backward ? each.module_of(here.forward_thread, here.sequence) : nullptr;
}

inline void count(torch_operators::operator_flop const& call) {
  auto const in = !here.in_backward                 ? pass::forward
                  : c10::GradMode::is_enabled() ? pass::recomputed
                                                : pass::backward;
  for (auto* each = state::active(); each != nullptr; each = each->outer()) {
    each->sums.add(in, call);
    if (auto* const module = module_at(*each)) module->add(in, call);
  }
  ++here.counted_calls;
}

inline std::unique_ptr<at::ObserverContext> begin_backward(at::RecordFunction const& node) {
  auto leaving = std::make_unique<left_behind>();
  here.in_backward = true;
  here.sequence = node.seqNr();
  here.forward_thread = node.forwardThreadId();
  here.outermost = innermost;
  return leaving;
}

inline std::unique_ptr<at::ObserverContext> begin(at::RecordFunction const& called) {
  if (called.scope() == at::RecordScope::BACKWARD_FUNCTION) return begin_backward(called);
  if (here.counted_whole) return nullptr;
  std::string_view const name = called.name();
  auto const* const known = torch_operators::operators.find(name);
  if (known == nullptr && !torch_operators::is_foreign(name)) return nullptr;
  auto leaving = std::make_unique<left_behind>();
  auto const given = inputs_of(called);
  if (known != nullptr && known->flop != nullptr && torch_operators::parts::is_tensor(given, known->tensor)) {
    count(known->flop(given));
    here.counted_whole = true;
  } else {
    leaving->list_unless_counted = known != nullptr ? known->name : name;
  }
  return leaving;
}

inline void end(at::RecordFunction const&, at::ObserverContext* context) {
  if (context == nullptr) return;
  auto const& left = static_cast<left_behind&>(*context);
  auto const calls = here.counted_calls;
  if (!left.list_unless_counted.empty() && calls == left.before.counted_calls) {
    for (auto* each = state::active(); each != nullptr; each = each->outer()) each->list(left.list_unless_counted);
  }
  here = left.before;
  here.counted_calls = calls;
}
}  // namespace detail::counting

// Made and destroyed on one thread, as scopes nest.
class flop_counter {
 public:
  class module_scope;

  flop_counter()
      : outer_{detail::counting::state::active()},
        state_{std::make_shared<detail::counting::state>(outer_)},
        guard_{detail::counting::state::kind, state_} {
    if (outer_ != nullptr) return;  // its callback finds this counter too
    callback_ = at::addThreadLocalCallback(at::RecordFunctionCallback{detail::counting::begin, detail::counting::end}
                                               .needsInputs(true)
                                               .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
  }
  ~flop_counter() {
    if (callback_) at::removeCallback(*callback_);
  }
  flop_counter(flop_counter const&) = delete;
  flop_counter& operator=(flop_counter const&) = delete;

  // FLOP since the counter was made.
  executed_flop counted() const { return state_->sums.read(); }

  // Work until the scope ends, and what the backward pass does for it, is also the module's of that name.
  // Of nested scopes the innermost has it.
  [[nodiscard]] module_scope module(std::string const& name);
  std::map<std::string, executed_flop> by_module() const { return state_->by_module(); }

  // Calls, by operator, that may have done products and have no formula. Empty: the count is whole.
  std::map<std::string, std::int64_t> uncounted() const { return state_->uncounted(); }

 private:
  detail::counting::state* outer_;
  std::shared_ptr<detail::counting::state> state_;
  c10::DebugInfoGuard guard_;
  std::optional<at::CallbackHandle> callback_;
};

class flop_counter::module_scope {
 public:
  ~module_scope() {
    detail::counting::innermost = frame_.outer;
    frame_.of->remember({at::RecordFunction::currentThreadId(), first_, at::sequence_number::peek(), frame_.sums});
  }
  module_scope(module_scope const&) = delete;
  module_scope& operator=(module_scope const&) = delete;

 private:
  friend flop_counter;
  module_scope(detail::counting::state& of, detail::counting::flop_sums& sums)
      : frame_{&of, &sums, detail::counting::innermost}, first_{at::sequence_number::peek()} {
    detail::counting::innermost = &frame_;
  }

  detail::counting::module_frame frame_;
  std::uint64_t first_;
};

inline flop_counter::module_scope flop_counter::module(std::string const& name) {
  return {*state_, state_->module(name)};
}

}  // namespace kunmetrics
