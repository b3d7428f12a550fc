#include "../hand_clock.hpp"
#include "../r300_case.hpp"

#include <kunmetrics/io/json.hpp>

#include <boost/hana/define_struct.hpp>
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

constexpr auto const& run = r300_case;

using palm_mfu = utilization_calculator<model_work<flops::palm>>;
using causal_mfu = utilization_calculator<model_work<flops::causal>>;
using palm_hfu_layers = utilization_calculator<hardware_work<flops::palm, recompute::layers>>;
using palm_hfu_all = utilization_calculator<hardware_work<flops::palm, recompute::all>>;

// A user's calculators: one number, and one whose name is that of a group.
struct tokens_per_step_measured {
  static constexpr std::string_view name = "tokens_per_step_measured";
  constexpr quantity_of<token / step> operator()(training_case const&, interval const& over) const {
    return over.tokens / over.steps;
  }
};
struct single_mfu : tokens_per_step_measured {
  static constexpr std::string_view name = "mfu";
};
struct second_loss : tokens_per_step_measured {
  static constexpr std::string_view name = "loss";
};

template <typename... Calculators>
consteval bool keys_differ() {
  return detail::has_distinct_keys(static_cast<summary<Calculators...> const*>(nullptr));
}
static_assert(keys_differ<>());
static_assert(keys_differ<tokens_per_processor_second_t, palm_mfu, causal_mfu, palm_hfu_all>());
static_assert(!keys_differ<palm_mfu, palm_mfu>());
static_assert(!keys_differ<palm_hfu_layers, palm_hfu_all>());        // two HFUs of one convention
static_assert(!keys_differ<palm_mfu, single_mfu>());                 // a group and a value of one name
static_assert(!keys_differ<second_loss>());                          // a field of the summary itself
static_assert(!keys_differ<tokens_per_processor_second_t, tokens_per_processor_second_t>());

static_assert(detail::single_number<double> && detail::single_number<quantity_of<second>>);
static_assert(detail::single_number<peak_rate> && !detail::single_number<bool> && !detail::single_number<std::string>);

// Steps of two seconds each, without warm-up.
template <typename... Calculators>
auto summary_after(int steps, Calculators... calculators) {
  basic_meter<hand_clock, Calculators...> meter{run, {.warm_up = 0 * step, .records_kept = 16}, calculators...};
  for (int i = 0; i < steps; ++i) {
    auto running = meter.start();
    hand_clock::at += std::chrono::milliseconds{2000};
    running.finish({.tokens = 49152 * token, .loss = 2.5});
  }
  return summary_of(meter);
}

template <typename T>
std::string described(T const& value) {
  return json_of(value).dump();
}
template <typename T>
std::string plain(T const& value) {
  return json_of<number_form::plain>(value).dump();
}

// A user's own struct, adapted in Hana's way, with others inside.
struct users_place {
  BOOST_HANA_DEFINE_STRUCT(users_place, (std::string, city), (std::optional<int>, floor));
};
struct users_report {
  BOOST_HANA_DEFINE_STRUCT(users_report, (std::string, name), (users_place, place), (quantity_of<joule>, energy),
                           (maybe<double>, loss), (std::vector<int>, ranks), (bool, done), (recompute, recomputed));
};
}  // namespace

TEST_CASE("plain values") {
  CHECK(described(true) == "true");
  CHECK(described(7) == "7");
  CHECK(described(std::numeric_limits<std::int64_t>::max()) == "9223372036854775807");
  CHECK(described(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(described(0.1) == "0.1");
  CHECK(described("a literal") == R"("a literal")");
  CHECK(described(std::string{"q\"\n"}) == R"("q\"\n")");
  CHECK(described(std::string_view{"昆仑"}) == "\"昆仑\"");
  CHECK(described(recompute::selective) == R"("selective")");
  CHECK(described(fp16) == R"("fp16")");
  CHECK(described(std::optional<double>{1.5}) == "1.5");
  CHECK(described(std::optional<double>{}) == "null");
  CHECK(described(std::vector<int>{}) == "[]");
  CHECK(described(std::vector{1, 2}) == "[1,2]");
  CHECK(described(std::vector{true, false}) == "[true,false]");
  CHECK(described(boost::hana::make_tuple(1, std::string{"a"}, 2 * step)) == R"([1,"a",{"value":2,"unit":"step"}])");
  CHECK(described(json{{"as", "it is"}}) == R"({"as":"it is"})");
}

TEST_CASE("a quantity carries its unit; a count is a JSON integer") {
  CHECK(described(96 * sample / step) == R"({"value":96,"unit":"sample/step"})");
  CHECK(described(3564.0 * token / (processor * second)) == R"j({"value":3564.0,"unit":"token/(processor s)"})j");
  CHECK(described((std::int64_t{1} << 62) * flop) == R"({"value":4611686018427387904,"unit":"flop"})");
  // in the coherent unit, whichever unit it was made with
  CHECK(described(250 * millisecond) == R"({"value":0.25,"unit":"s"})");
  CHECK(described(32 * GiB) == R"({"value":34359738368,"unit":"B"})");
}

TEST_CASE("in plain form a quantity is a bare number") {
  CHECK(plain(96 * sample / step) == "96");
  CHECK(plain(250 * millisecond) == "0.25");
  CHECK(plain(maybe<double>{5.5}) == "5.5");
  CHECK(plain(maybe<double>{absent{"no reason to keep"}}) == "null");
  CHECK(plain(*peak(devices::kunlunxin_r300, fp16)) == "128000000000000.0");
  CHECK(plain(std::vector{1 * step, 2 * step}) == "[1,2]");
}

TEST_CASE("NaN and infinities are null, never a token that is no JSON") {
  for (double const value : {not_a_number, infinity, -infinity}) {
    CHECK(described(value) == "null");
    CHECK(described(static_cast<float>(value)) == "null");
    CHECK(described(std::optional{value}) == "null");
    CHECK(described(std::vector{value}) == "[null]");
    CHECK(described(value * second) == R"({"value":null,"unit":"s","reason":"not a finite number"})");
    CHECK(described(maybe<double>{value}) == R"({"value":null,"unit":"1","reason":"not a finite number"})");
    CHECK(plain(value * second) == "null");
    CHECK(plain(maybe<double>{value}) == "null");
    CHECK(plain(step_record{.time = value * second, .loss = value}).find("nan") == std::string::npos);
  }
}

TEST_CASE("a result that is there is described, one that is absent says why and what it would be") {
  CHECK(described(maybe<double>{5.27}) == R"({"value":5.27,"unit":"1"})");
  CHECK(described(maybe<double>{absent{"no step reported a finite loss"}}) ==
        R"({"value":null,"unit":"1","reason":"no step reported a finite loss"})");
  CHECK(described(maybe<token_rate_t>{absent{"nothing measured"}}) ==
        R"j({"value":null,"unit":"token/(processor s)","reason":"nothing measured"})j");
  CHECK(described(maybe<step_time_percentiles>{absent{"nothing measured"}}) == R"({"value":null,"reason":"nothing measured"})");
  CHECK(described(maybe<std::string>{std::string{"text"}}) == R"("text")");
}

TEST_CASE("a peak carries its precision and source") {
  CHECK(described(peak_rate{bf16, 2e12 * flop / (processor * second), "a GEMM sweep"}) ==
        R"j({"value":2000000000000.0,"unit":"flop/(processor s)","precision":"bf16","source":"a GEMM sweep"})j");
  CHECK(described(peak(devices::kunlunxin_r300, bf16)) ==
        R"j({"value":null,"unit":"flop/(processor s)","reason":"no peak is known for this device at this precision"})j");
}

TEST_CASE("a utilization carries convention, work and peak; HFU its recomputation too") {
  constexpr auto rate = 1000.0 * token / (processor * second);
  constexpr peak_rate limit{fp16, 128e12 * flop / (processor * second), "data sheet"};
  auto const written = json_of(mfu<flops::palm>(models::llama2_7b, 512 * token / sample, rate, limit));
  // 6 * 6607077376 + 12 * 32 * 4096 * 512, and that times 1000 over 128e12
  constexpr std::int64_t work = 6 * 6'607'077'376 + 12LL * 32 * 4096 * 512;
  CHECK(written["flop_per_token"].dump() == "{\"value\":" + std::to_string(work) + ".0,\"unit\":\"flop/token\"}");
  CHECK(written["value"].get<double>() == doctest::Approx(static_cast<double>(work) / 128e9));
  CHECK(written["unit"] == "1");
  CHECK(written["convention"] == "palm");
  CHECK(written["peak"]["value"] == 128e12);
  CHECK(written["peak"]["source"] == "data sheet");
  CHECK_FALSE(written.contains("recompute"));
  CHECK_FALSE(written.contains("reason"));

  auto const hardware = json_of(hfu<flops::causal, recompute::layers>(models::llama2_7b, 512 * token / sample, rate, limit));
  CHECK(hardware["convention"] == "causal");
  CHECK(hardware["recompute"] == "layers");

  CHECK(described(maybe<utilization<hardware_work<flops::palm, recompute::all>>>{absent{"no peak"}}) ==
        R"({"value":null,"unit":"1","convention":"palm","recompute":"all","reason":"no peak"})");
}

TEST_CASE("a utilization that is not finite is null but keeps its labels") {
  constexpr peak_rate limit{fp16, 1.0 * flop / (processor * second), "data sheet"};
  auto const written = json_of(mfu<flops::palm>(models::llama2_7b, 512 * token / sample, not_a_number * token / (processor * second), limit));
  CHECK(written["value"].is_null());
  CHECK(written["reason"] == "not a finite number");
  CHECK(written["convention"] == "palm");
  CHECK(written["peak"]["source"] == "data sheet");
}

TEST_CASE("phase times are an object by phase") {
  phase_times times{};
  times[static_cast<std::size_t>(phase::backward)] = 1.5 * second;
  CHECK(plain(times) == R"({"data":0.0,"forward":0.0,"backward":1.5,"communication":0.0,"optimizer":0.0,"checkpoint":0.0,"evaluation":0.0,"idle":0.0})");
  CHECK(json_of(times)["backward"].dump() == R"({"value":1.5,"unit":"s"})");
}

TEST_CASE("a summary is one flat object, its utilizations grouped by convention") {
  auto const object = json_of(summary_after(3, tokens_per_processor_second_t{}, palm_mfu{}, causal_mfu{}, palm_hfu_layers{},
                                           tokens_per_step_measured{}));
  std::string keys;
  for (auto const& [key, value] : object.items()) keys += key + ' ';
  CHECK(keys ==
        "model processor precision micro_batch_size gradient_accumulation_steps data_parallel_size global_batch_size "
        "sequence_length tokens_per_step processors warm_up_steps steps tokens time loss step_time phases "
        "overlapped_communication slow_steps skipped_steps untimed_steps losses_not_finite tokens_trained goodput goodput_ratio rate peak "
        "tokens_per_processor_second mfu hfu tokens_per_step_measured ");
  CHECK(object["model"] == "llama2-7b");
  CHECK(object["precision"] == "fp16");
  CHECK(object["global_batch_size"].dump() == R"({"value":96,"unit":"sample/step"})");
  CHECK(object["tokens"].dump() == R"({"value":147456,"unit":"token"})");
  CHECK(object["loss"].dump() == R"({"value":2.5,"unit":"1"})");
  CHECK(object["step_time"]["p50"].dump() == R"({"value":2.0,"unit":"s"})");
  CHECK(object["peak"]["value"] == 128e12);
  // 49152 tokens in two seconds by eight processors
  CHECK(object["tokens_per_processor_second"].dump() == R"j({"value":3072.0,"unit":"token/(processor s)"})j");
  CHECK(object["tokens_per_step_measured"]["value"] == 49152.0);
  CHECK(object["mfu"].size() == 2);
  CHECK(object["mfu"]["palm"]["convention"] == "palm");
  CHECK(object["mfu"]["causal"]["convention"] == "causal");
  CHECK(object["mfu"]["palm"]["value"].get<double>() > object["mfu"]["causal"]["value"].get<double>());
  CHECK(object["hfu"]["palm"]["recompute"] == "layers");
}

TEST_CASE("a summary of nothing has its reasons") {
  auto const object = json_of(summary_after(0, tokens_per_processor_second_t{}, palm_mfu{}));
  CHECK(object["tokens_per_processor_second"].dump() ==
        R"j({"value":null,"unit":"token/(processor s)","reason":"no step has been measured after warm-up"})j");
  CHECK(object["mfu"]["palm"].dump() ==
        R"({"value":null,"unit":"1","convention":"palm","reason":"no step has been measured after warm-up"})");
  CHECK(object["loss"].dump() == R"({"value":null,"unit":"1","reason":"no step reported a finite loss"})");
  CHECK(object["step_time"].dump() == R"({"value":null,"reason":"no step has been measured after warm-up"})");
}

TEST_CASE("a user's own struct is written field by field, inner ones too") {
  users_place const place{"Beijing", std::nullopt};
  users_report report{"run 7", place, 3.6e6 * joule, absent{"not trained"}, {0, 1}, true, recompute::layers};
  CHECK(described(report) ==
        R"({"name":"run 7","place":{"city":"Beijing","floor":null},"energy":{"value":3600000.0,"unit":"J"},)"
        R"("loss":{"value":null,"unit":"1","reason":"not trained"},"ranks":[0,1],"done":true,"recomputed":"layers"})");
  report.place.floor = 3;
  CHECK(plain(report) ==
        R"({"name":"run 7","place":{"city":"Beijing","floor":3},"energy":3600000.0,"loss":null,"ranks":[0,1],"done":true,"recomputed":"layers"})");
}

TEST_CASE("text is indented, ends with a newline and is valid whatever the bytes") {
  CHECK(json_text(json{{"a", 1}}) == "{\n  \"a\": 1\n}\n");
  CHECK(json_text(json("broken \xff")) == "\"broken \xef\xbf\xbd\"\n");
  CHECK(json_text(json("昆仑")) == "\"昆仑\"\n");
}
