// calflops' table: parameters and multiply-accumulates of one forward pass over a batch. Its FLOP are
// twice those and the element-wise work (an activation or softmax one FLOP a number, a layer norm five),
// which every convention of the library leaves out: those columns are exceptions.
#include "exceptions.hpp"
#include "shapes.hpp"

#include <doctest/doctest.h>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
transformer shape_of(std::string const& name) {
  using namespace models;
  auto chinese = llama1_7b;
  chinese.vocabulary = 49953;
  auto moss = truth::gpt(34, 6144, 24, 107008);  // CodeGen's: one norm a layer, biases in the FFN and the head
  moss.norms_per_layer = 1;
  moss.ffn_bias = moss.head_bias = true;
  std::map<std::string, transformer> const shapes{{"bloom-7b1", *model_named("bloom-7b1")},
                                                  {"bloomz-1b7", *model_named("bloom-1b7")},
                                                  {"baichuan-7B", *model_named("baichuan-7b")},
                                                  {"llama-7b", llama1_7b},
                                                  {"llama2-7b", llama2_7b},
                                                  {"chinese-llama-7b", chinese},
                                                  {"EleutherAI/pythia-1.4b", *model_named("pythia-1.4b")},
                                                  {"EleutherAI/pythia-12b", *model_named("pythia-12b")},
                                                  {"moss-moon-003-sft", moss}};
  return shapes.at(name);
}

// Forward and backward of one token; the head's product is missing where the bare model was loaded.
template <typename Convention>
flop_per_token_t work(transformer const& model, sequence_length_t length, bool head) {
  return head ? Convention::per_token(model, length) : Convention::layers_per_token(model, length);
}
}  // namespace

TEST_CASE("every row of flops.csv") {
  truth::exceptions known{"flops.csv"};
  for (auto const& row : truth::read_csv("flops.csv")) {
    auto const& name = row.at("model");
    auto const& convention = row.at("best_convention");
    auto const model = shape_of(name);
    auto const tokens = static_cast<std::int64_t>(*truth::number(row.at("seq_len")));
    bool const head = !convention.starts_with("2(mat-head)");
    auto const length = tokens * token / sample;
    auto const both = convention.ends_with("half_att") ? work<flops::causal>(model, length, head)
                                                       : work<flops::palm>(model, length, head);
    auto const all = (both * (*truth::number(row.at("batch")) * static_cast<double>(tokens) * token)).in(gigaflop);
    auto const counts = parameters(model);
    auto const loaded = counts.total - (head || model.tied_embedding ? 0 : counts.output);
    CAPTURE(all / 3);
    CAPTURE(loaded);
    known.expect(name + " params", std::to_string(loaded) == row.at("params_published"));
    known.expect(name + " fwd_gmacs", truth::within_rounding(all / 6, row.at("fwd_gmacs_published"), 0));
    known.expect(name + " fwd_gflops", truth::within_rounding(all / 3, row.at("fwd_gflops_published"), 0));
    known.expect(name + " fwd_bwd_gflops", truth::within_rounding(all, row.at("fwd_bwd_gflops_published"), 0));
    auto const element_wise = *truth::number(row.at("fwd_gflops_published")) / (all / 3) - 1;
    CHECK(element_wise > 0);
    CHECK(element_wise < 3e-4);
  }
}
