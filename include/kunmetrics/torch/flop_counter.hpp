// The FLOP that a libtorch program executes, counted call by call while a scope is alive.
//
//   km::flop_counter counter;
//   loss = model->forward(x); loss.backward();
//   counter.counted().forward     FLOP of the forward pass, exact
// Counts what this thread runs and the backward passes that it starts, on whatever threads autograd runs
// them. forward, backward and recomputed work stand apart; so does what fused kernels skip of a causal
// square. Operators that may do products but have no formula are listed by uncounted(), never ignored, and so
// are those of other libraries that were loaded before the counter was made.
// In scope the operators that are counted or listed cost a boxed call more and others nothing; out of scope
// nothing does. Counters nest, each sees the inner one's work. An operator that throws has not run.
// Recomputed is a forward operator in the backward pass, its hooks among it, while grad mode is on, as
// checkpointing runs it; a backward pass with create_graph and the engine's final callbacks look the same and are
// counted there. Nodes of autograd that a program calls by hand count as forward. Left out: element-wise work.
#pragma once

#include <kunmetrics/torch/observing_kernels.hpp>
#include <kunmetrics/torch/operator_flops.hpp>

#include <ATen/SequenceNumber.h>
#include <ATen/core/stack.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/csrc/autograd/graph_task.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
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
  static void add_to(std::atomic<std::int64_t>& sum, std::int64_t flop) {
    sum.fetch_add(flop, std::memory_order_relaxed);
  }
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

  static state* active() { return dynamic_cast<state*>(c10::ThreadLocalDebugInfo::get(kind())); }
  state* outer() const { return outer_; }

  // Of those that libtorch has, the kind that no part of a training uses.
  static c10::DebugInfoKind kind() { return c10::DebugInfoKind::PRODUCER_INFO; }

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

// The node of a backward pass that this thread runs, known where modules are asked for.
struct backward_node {
  bool running = false;
  std::int64_t sequence = -1;
  std::uint64_t forward_thread = 0;
  module_frame* outermost = nullptr;  // scopes that were open when it began say nothing of it
};
inline thread_local backward_node node;

// Puts the node around it back, at the end of a node.
struct node_around : at::ObserverContext {
  backward_node before = node;
};
inline std::unique_ptr<at::ObserverContext> begin_node(at::RecordFunction const& begun) {
  auto around = std::make_unique<node_around>();
  node = {true, begun.seqNr(), begun.forwardThreadId(), innermost};
  return around;
}
inline void end_node(at::RecordFunction const&, at::ObserverContext* around) {
  if (around != nullptr) node = static_cast<node_around&>(*around).before;
}

// The backward passes that this thread starts know their node while this is held. Each node then costs a
// RecordFunction and the making of its name: for counters that tell modules apart alone.
class followed_nodes {
 public:
  static std::shared_ptr<followed_nodes> of_this_thread() {
    thread_local std::weak_ptr<followed_nodes> shared;
    auto held = shared.lock();
    if (held == nullptr) shared = held = std::make_shared<followed_nodes>();
    return held;
  }
  ~followed_nodes() { at::removeCallback(callback_); }

 private:
  at::CallbackHandle callback_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback{begin_node, end_node}.scopes({at::RecordScope::BACKWARD_FUNCTION}));
};

inline flop_sums* module_at(state& each) {
  for (auto* frame = innermost; frame != node.outermost && frame != nullptr; frame = frame->outer) {
    if (frame->of == &each) return frame->sums;
  }
  return node.running ? each.module_of(node.forward_thread, node.sequence) : nullptr;
}

inline thread_local std::int64_t counted_calls = 0;  // to tell whether an operator was counted by its parts

inline bool in_backward() { return torch::autograd::get_current_graph_task_nodes_in_graph() != nullptr; }

inline void count(torch_operators::operator_flop const& call) {
  auto const in = !in_backward() ? pass::forward : c10::GradMode::is_enabled() ? pass::recomputed : pass::backward;
  for (auto* each = state::active(); each != nullptr; each = each->outer()) {
    each->sums.add(in, call);
    if (auto* const module = module_at(*each)) module->add(in, call);
  }
  ++counted_calls;
}

// What a counting thread runs in an operator's place: counts, and runs the operator.
class counting_kernel final : public c10::OperatorKernel {
 public:
  // Null for operators that do no products, as far as is known.
  static std::unique_ptr<counting_kernel> of(std::string const& name) {
    auto const* const known = torch_operators::known(name);
    if (known == nullptr && !torch_operators::is_foreign(name)) return nullptr;
    return std::make_unique<counting_kernel>(name, known != nullptr ? *known : torch_operators::known_operator{});
  }
  counting_kernel(std::string name, torch_operators::known_operator const& known)
      : name_{std::move(name)}, flop_{known.flop}, tensor_{known.tensor} {}

  void operator()(c10::OperatorHandle const& called, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
    auto const rest = keys & c10::DispatchKeySet{c10::DispatchKeySet::FULL_AFTER, torch_operators::observing};
    if (auto const flop = flop_of(torch::jit::last(*stack, called.schema().arguments().size()))) {
      c10::impl::ExcludeDispatchKeyGuard const its_parts{torch_operators::observing};  // are counted with it
      called.redispatchBoxed(rest, stack);
      count(*flop);
    } else {
      auto const before = counted_calls;
      called.redispatchBoxed(rest, stack);
      if (counted_calls == before) list();
    }
  }

 private:
  // None where there is no formula, or it does not hold: nested and symbolic sizes, and calls that are about to fail.
  std::optional<torch_operators::operator_flop> flop_of(torch_operators::inputs in) const {
    if (flop_ == nullptr || !torch_operators::parts::is_tensor(in, tensor_)) return std::nullopt;
    try {
      return flop_(in);
    } catch (std::exception const&) {
      return std::nullopt;
    }
  }
  void list() const {
    for (auto* each = state::active(); each != nullptr; each = each->outer()) each->list(name_);
  }

  std::string name_;
  torch_operators::formula flop_;
  std::size_t tensor_;
};
inline torch_operators::observing_kernels<counting_kernel> kernels;
}  // namespace detail::counting

// Made and destroyed on one thread, as scopes nest.
class flop_counter {
 public:
  class module_scope;

  // Throws std::runtime_error where another library has the dispatch key that a counter observes by.
  flop_counter()
      : outer_{detail::counting::state::active()},
        state_{std::make_shared<detail::counting::state>(outer_)},
        guard_{detail::counting::state::kind(), state_},
        observing_{detail::counting::kernels.up_to_date()} {}
  flop_counter(flop_counter const&) = delete;
  flop_counter& operator=(flop_counter const&) = delete;

  // FLOP since the counter was made.
  executed_flop counted() const { return state_->sums.read(); }

  // Work until the scope ends, and what the backward pass does for it, is also the module's of that name.
  // Of nested scopes the innermost has it. To be called on the counter's thread; backward passes that had begun
  // before a counter's first are no module's.
  [[nodiscard]] module_scope module(std::string const& name);
  std::map<std::string, executed_flop> by_module() const { return state_->by_module(); }

  // Calls, by operator, that may have done products and have no formula. Empty: the count is whole.
  std::map<std::string, std::int64_t> uncounted() const { return state_->uncounted(); }

 private:
  detail::counting::state* outer_;
  std::shared_ptr<detail::counting::state> state_;
  c10::DebugInfoGuard guard_;
  c10::impl::IncludeDispatchKeyGuard observing_;
  std::shared_ptr<detail::counting::followed_nodes> nodes_;
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
  // what is added inside of a backward pass libtorch takes away again
  if (nodes_ == nullptr && !detail::counting::in_backward()) nodes_ = detail::counting::followed_nodes::of_this_thread();
  return {*state_, state_->module(name)};
}

}  // namespace kunmetrics
