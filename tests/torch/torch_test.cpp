// Counted work of libtorch programs held against the formulas, operator by operator and model by model.
#include "llama_module.hpp"

#include <kunmetrics/conventions.hpp>
#include <kunmetrics/torch.hpp>

#include <doctest/doctest.h>

#include <numeric>
#include <thread>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
executed_flop counted(auto&& work) {
  flop_counter counter;
  work();
  CHECK(counter.uncounted().empty());
  return counter.counted();
}

template <convention Convention>
std::int64_t of(transformer const& shape, std::int64_t batch, std::int64_t length) {
  return static_cast<std::int64_t>(Convention::per_token(shape, length * token / sample).coherent()) * batch * length;
}

executed_flop trained(transformer const& shape, std::int64_t batch, std::int64_t length, bool checkpointing = false) {
  model::decoder decoder{shape, checkpointing};
  auto const tokens = model::random_tokens(shape, batch, length);
  return counted([&] { decoder.loss(tokens).backward(); });
}
}  // namespace

TEST_CASE("two FLOP for each multiply-add of a product") {
  auto const a = torch::randn({3, 5}), b = torch::randn({5, 7});
  auto const stack = torch::randn({4, 3, 5});
  CHECK(counted([&] { a.mm(b); }) == executed_flop{.forward = 2 * 3 * 5 * 7});
  CHECK(counted([&] { torch::addmm(torch::zeros({7}), a, b); }).forward == 2 * 3 * 5 * 7);
  CHECK(counted([&] { stack.bmm(b.expand({4, 5, 7})); }).forward == 4 * 2 * 3 * 5 * 7);
  CHECK(counted([&] { torch::baddbmm(torch::zeros({4, 3, 7}), stack, b.expand({4, 5, 7})); }).forward == 4 * 2 * 3 * 5 * 7);
  CHECK(counted([&] { torch::addbmm(torch::zeros({3, 7}), stack, b.expand({4, 5, 7})); }).forward == 4 * 2 * 3 * 5 * 7);
  CHECK(counted([&] { a.mv(torch::ones({5})); }).forward == 2 * 3 * 5);
  CHECK(counted([&] { torch::ones({9}).dot(torch::ones({9})); }).forward == 2 * 9);
}

TEST_CASE("composite operators are counted once, by their parts") {
  auto const x = torch::randn({2, 3, 5}), w = torch::randn({7, 5});
  CHECK(counted([&] { torch::linear(x, w); }).forward == 2 * 6 * 5 * 7);
  CHECK(counted([&] { torch::linear(x, w, torch::randn({7})); }).forward == 2 * 6 * 5 * 7);
  CHECK(counted([&] { x.matmul(w.t()); }).forward == 2 * 6 * 5 * 7);
  CHECK(counted([&] { torch::einsum("bij,kj->bik", {x, w}); }).forward == 2 * 6 * 5 * 7);
}

TEST_CASE("element-wise work is no work of products") {
  auto const x = torch::randn({64, 64});
  CHECK(counted([&] { torch::softmax(x * 3 + x, 1).sum().item<float>(); }) == executed_flop{});
}

TEST_CASE("convolutions forward and backward, strided, grouped, dilated and transposed") {
  auto const x = torch::randn({2, 4, 10, 9}).requires_grad_();
  auto const w = torch::randn({6, 2, 3, 3}).requires_grad_();
  auto const forward = 2LL * 2 * 5 * 9 * (6 * 2 * 3 * 3);  // stride 2, 1: 5 by 9 positions
  auto const each = counted([&] { torch::conv2d(x, w, {}, at::IntArrayRef{2, 1}, at::IntArrayRef{1, 1}, 1, 2).sum().backward(); });
  CHECK(each == executed_flop{.forward = forward, .backward = 2 * forward});
  CHECK(counted([&] { torch::conv2d(x.detach(), w, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{0, 0}, 2, 2).sum().backward(); }).backward ==
        2LL * 2 * 6 * 5 * (6 * 2 * 3 * 3));  // no gradient of the input
  CHECK(counted([&] { torch::conv_transpose2d(x, torch::randn({4, 3, 2, 2})); }).forward == 2LL * 2 * 90 * (4 * 3 * 2 * 2));
  CHECK(counted([&] { torch::conv1d(torch::randn({1, 3, 8}), torch::randn({5, 3, 3})); }).forward == 2LL * 6 * (5 * 3 * 3));
}

TEST_CASE("a model's products are PaLM's 6 N_mat + 12 L H Q S, forward a third of it") {
  for (auto const& shape : {model::small_llama, model::small_gpt, model::small_mixture}) {
    CAPTURE(shape.name);
    auto const whole = of<flops::palm>(shape, 2, 12);
    CHECK(trained(shape, 2, 12) == executed_flop{.forward = whole / 3, .backward = whole / 3 * 2});
  }
}

TEST_CASE("checkpointed layers run once more, and that is recomputed work") {
  for (auto const& shape : {model::small_llama, model::small_mixture}) {
    auto const length = 12 * token / sample;
    auto const hardware = hardware_work<flops::palm, recompute::layers>::per_token(shape, length).coherent() * 24;
    auto const ran = trained(shape, 2, 12, true);
    CHECK(ran.model() == of<flops::palm>(shape, 2, 12));
    CHECK(ran.hardware() == static_cast<std::int64_t>(hardware));
  }
}

TEST_CASE("frozen weights have no gradient, but pass one on") {
  model::decoder decoder{model::small_llama};
  for (auto const& weight : decoder.parameters()) weight.set_requires_grad(false);
  auto const embedded = torch::randn({1, 12, model::small_llama.hidden}).requires_grad_();
  auto const ran = counted([&] {
    auto x = embedded;
    for (auto const& each : decoder.layers) x = each->forward(x);
    x.sum().backward();
  });
  auto const weights = layers_matmul_parameters(model::small_llama) * 2 * 12;
  auto const square = static_cast<std::int64_t>(flops::palm::attention_per_token(model::small_llama, 12 * token / sample).coherent()) * 12;
  CHECK(ran == executed_flop{.forward = weights + square / 3, .backward = weights + square / 3 * 2});
}

TEST_CASE("work is its module's, and so is what the backward pass does for it") {
  model::decoder decoder{model::small_llama};
  flop_counter counter;
  auto x = decoder.embedding->forward(model::random_tokens(model::small_llama, 1, 8));
  for (std::size_t i = 0; i < decoder.layers.size(); ++i) {
    auto const scope = counter.module("layer" + std::to_string(i));
    x = decoder.layers[i]->forward(x);
  }
  torch::Tensor logits;
  {
    auto const scope = counter.module("head");
    logits = decoder.head->forward(decoder.norm->forward(x));
  }
  logits.sum().backward();
  auto const modules = counter.by_module();
  REQUIRE(modules.size() == 4);
  CHECK(modules.at("head") == executed_flop{.forward = 2 * 8 * 48 * 101, .backward = 4 * 8 * 48 * 101});
  CHECK(modules.at("layer0") == modules.at("layer2"));
  CHECK(modules.at("layer0").backward == 2 * modules.at("layer0").forward);
  auto const sum = std::accumulate(modules.begin(), modules.end(), std::int64_t{0},
                                   [](std::int64_t so_far, auto const& each) { return so_far + each.second.model(); });
  CHECK(sum == counter.counted().model());
}

TEST_CASE("a counter sees its own thread and what it starts, no other's") {
  auto const a = torch::randn({4, 4});
  flop_counter outer;
  a.mm(a);
  {
    flop_counter const inner;
    a.mm(a);
    CHECK(inner.counted().forward == 128);
  }
  std::thread{[&] {
    a.mm(a);
    auto const own = counted([&] { a.mm(a); });
    CHECK(own.forward == 128);
  }}.join();
  CHECK(outer.counted().forward == 256);
}

TEST_CASE("many threads count at the same time, each its own") {
  std::vector<std::thread> threads;
  std::array<executed_flop, 4> each{};
  for (std::size_t i = 0; i < each.size(); ++i) {
    threads.emplace_back([&each, i] { each[i] = trained(model::small_llama, static_cast<std::int64_t>(i) + 1, 6); });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < each.size(); ++i) {
    CHECK(each[i].model() == of<flops::palm>(model::small_llama, static_cast<std::int64_t>(i) + 1, 6));
  }
}

TEST_CASE("out of scope nothing is left behind") {
  {
    flop_counter counter;
    flop_counter inner;
    { auto const scope = inner.module("a"); }
    auto const scope = counter.module("b");
    CHECK(c10::impl::tls_is_dispatch_key_included(torch_operators::observing));
  }
  CHECK(!at::hasThreadLocalCallbacks());
  CHECK(!c10::impl::tls_is_dispatch_key_included(torch_operators::observing));
  CHECK(c10::ThreadLocalDebugInfo::get(kunmetrics::detail::counting::state::kind()) == nullptr);
}

TEST_CASE("products that cannot be counted are listed") {
  flop_counter const counter;
  torch::linalg_svd(torch::randn({4, 4}));
  torch::linalg_svd(torch::randn({4, 4}));
  CHECK(counter.uncounted() == std::map<std::string, std::int64_t>{{"aten::_linalg_svd", 2}});
}

namespace foreign {
torch::Tensor gathered(torch::Tensor const& a) { return a.clone(); }
torch::Tensor squared(torch::Tensor const& a) { return a.mm(a); }

torch::Library loaded() {
  torch::Library library{torch::Library::DEF, "kunmetrics_test", {}, __FILE__, __LINE__};
  library.def("gathered(Tensor a) -> Tensor", TORCH_FN(gathered));
  library.def("squared(Tensor a) -> Tensor", TORCH_FN(squared));
  return library;
}
torch::Tensor call(char const* name, torch::Tensor const& a) {
  auto const found = c10::Dispatcher::singleton().findSchemaOrThrow(name, "");
  return found.typed<torch::Tensor(torch::Tensor const&)>().call(a);
}
}  // namespace foreign

TEST_CASE("operators of another library, loaded late and twice, are listed unless their parts are counted") {
  auto const a = torch::ones({4, 4});
  for (int time = 0; time < 2; ++time) {
    { flop_counter const before; }
    auto const library = foreign::loaded();
    flop_counter const counter;
    CHECK(foreign::call("kunmetrics_test::gathered", a).equal(a));
    CHECK(foreign::call("kunmetrics_test::squared", a).equal(a * 4));
    CHECK(counter.uncounted() == std::map<std::string, std::int64_t>{{"kunmetrics_test::gathered", 1}});
    CHECK(counter.counted().forward == 2 * 4 * 4 * 4);
  }
}

TEST_CASE("an operator is counted as the program called it: in place, into an output, cast, without gradients") {
  auto const a = torch::ones({4, 4});
  auto sum = torch::zeros({4, 4});
  CHECK(counted([&] { torch::mm_out(sum, a, a); }).forward == 128);
  CHECK(counted([&] { sum.addmm_(a, a); }).forward == 128);
  CHECK(sum.equal(a * 8));
  CHECK(counted([&] { CHECK_THROWS(a.mm(torch::ones({5, 4}))); }) == executed_flop{});
  c10::impl::tls_set_dispatch_key_excluded(c10::DispatchKey::AutocastCPU, false);  // autocast, by any version's name
  CHECK(counted([&] { CHECK((a.mm(a).scalar_type() == torch::kBFloat16)); }).forward == 128);
  c10::impl::tls_set_dispatch_key_excluded(c10::DispatchKey::AutocastCPU, true);
  torch::InferenceMode const no_gradients;
  CHECK(counted([&] { a.mm(a); }).forward == 128);
}

TEST_CASE("a call whose sizes a formula cannot tell fails or runs as it does uncounted, and is counted by its parts") {
  auto const a = torch::ones({4, 4});
  flop_counter const counter;
  CHECK_THROWS_WITH(a.mm(torch::ones({4})), doctest::Contains("mat2 must be a matrix"));
  CHECK_THROWS_WITH(torch::conv2d(torch::ones({1, 1, 4, 4}), torch::ones({1, 1, 2, 2}), {}, at::IntArrayRef{0, 1}),
                    doctest::Contains("stride"));
  CHECK(counter.counted() == executed_flop{});
  auto const ragged = [](std::int64_t columns) {  // [2, {2, 3}, columns]
    return at::_nested_tensor_from_tensor_list({torch::ones({2, columns}), torch::ones({3, columns})});
  };
  ragged(5).bmm(ragged(5).transpose(1, 2));
  CHECK(counter.counted().forward == 2 * (2 * 5 * 2 + 3 * 5 * 3));
  CHECK(counter.uncounted().empty());
}

TEST_CASE("a thread that is handed libtorch's state counts for the counter") {
  auto const a = torch::ones({4, 4});
  flop_counter const counter;
  std::thread{at::wrapPropagateTLSState([&] { a.mm(a); })}.join();
  CHECK(counter.counted().forward == 128);
}

TEST_CASE("a dispatch key that another library has is not taken from it") {
  struct of_nothing : c10::OperatorKernel {
    static std::unique_ptr<of_nothing> of(std::string const&) { return nullptr; }
    void operator()(c10::OperatorHandle const&, c10::DispatchKeySet, torch::jit::Stack*) {}
  };
  torch_operators::observing_kernels<of_nothing> second;
  CHECK_THROWS_WITH(second.up_to_date(), doctest::Contains("DeferredInit"));
}

TEST_CASE("the counted MFU is the convention's, and says that it was counted") {
  auto const rate = 1000.0 * token / (processor * second);
  auto const peak = *kunmetrics::peak(devices::nvidia_h100_sxm, bf16);
  auto const ran = trained(model::small_llama, 2, 12, true);
  auto const mfu_counted = counted_mfu(ran, 24 * token, rate, peak);
  CHECK(mfu_counted.ratio == mfu<flops::palm>(model::small_llama, 12 * token / sample, rate, peak).ratio);
  CHECK(counted_hfu(ran, 24 * token, rate, peak).ratio ==
        hfu<flops::palm, recompute::layers>(model::small_llama, 12 * token / sample, rate, peak).ratio);
  static_assert(!std::is_convertible_v<decltype(mfu_counted), utilization<model_work<flops::palm>>>);
  CHECK_THROWS_AS(counted_mfu(ran, 0 * token, rate, peak), precondition_error);
}

TEST_CASE("parameters: shared weights once, frozen apart, of experts the chosen") {
  for (auto const& shape : {model::small_llama, model::small_gpt}) {
    model::decoder const decoder{shape};
    auto const counts = parameters_of(decoder);
    auto const expected = kunmetrics::parameters(shape);
    CHECK(counts.total == expected.total);
    CHECK(counts.trainable == expected.total);
    CHECK(counts.embedding == (shape.tied_embedding ? 0 : expected.embedding));
    CHECK(counts.active == expected.total);
  }
  model::decoder mixture{model::small_mixture};
  for (auto const& weight : mixture.layers[0]->parameters()) weight.set_requires_grad(false);
  expert_rule const rule{[](std::string const& name) { return name.find("experts_") != std::string::npos; }, 8, 2};
  auto const counts = parameters_of(mixture, rule);
  CHECK(counts.total == kunmetrics::parameters(model::small_mixture).total);
  CHECK(counts.active == kunmetrics::parameters(model::small_mixture).active);
  CHECK(counts.frozen == parameters_of(*mixture.layers[0]).total);
  CHECK(counts.expert == 2 * 8 * 3 * 32 * 24);
  CHECK_THROWS_WITH(parameters_of(mixture, {rule.is_expert, 8, 9}), doctest::Contains("1 to 8 experts chosen"));
  CHECK_THROWS_WITH(parameters_of(mixture, {rule.is_expert, 7, 1}), doctest::Contains("7 equal experts"));
}

TEST_CASE("the CPU's clock, memory and name; a device that is not there") {
  auto const before = synchronised_clock<>::now();
  auto const held = torch::ones({1 << 22});
  CHECK(synchronised_clock<>::now() >= before);
  auto const use = device_memory_of(torch::kCPU);
  REQUIRE(use);
  CHECK(use->bytes > (1 << 24));
  CHECK(use->peak_bytes >= use->bytes);
  CHECK(!use->reserved_bytes);
  auto const size = memory_size_of(torch::kCPU);
  REQUIRE(size);
  CHECK(*size > use->peak_bytes);
  CHECK(!device_of(torch::kCPU));
  CHECK_THROWS_WITH(memory_size_of(c10::Device{c10::kCUDA, 99}), doctest::Contains("cuda:99"));
  CHECK_THROWS_WITH(device_memory_of(c10::Device{c10::kCUDA, 99}), doctest::Contains("cuda:99"));
}

TEST_CASE("allocations of a thread and its backward pass, and how many bytes lived at once") {
  constexpr std::int64_t megabyte = 1 << 20;
  auto const before = torch::ones({megabyte / 4});
  allocation_counter const counter;
  {
    auto const first = torch::empty({megabyte}), second = torch::empty({megabyte});  // of 4 bytes
  }
  CHECK(counter.counted().peak_bytes == 8 * megabyte);
  CHECK(counter.counted().bytes == 0);
  auto const kept = torch::empty({megabyte / 4});
  {
    allocation_counter const inner;
    auto const third = torch::empty({megabyte / 4});
    auto const borrowed = torch::from_blob(third.data_ptr(), {megabyte / 4});
    CHECK(inner.counted().bytes == megabyte);
    CHECK(counter.counted().bytes == 2 * megabyte);
    std::thread{[] { torch::empty({megabyte}); }}.join();
    CHECK(inner.counted().peak_bytes == megabyte);
  }
  CHECK(counter.counted().bytes == megabyte);
  auto const leaf = torch::ones({megabyte / 4}, torch::requires_grad());
  (leaf * leaf).sum().backward();
  CHECK(counter.counted().bytes > 3 * megabyte - 64);  // kept, the leaf and its gradient
  CHECK(counter.counted().peak_bytes == 8 * megabyte);
}
