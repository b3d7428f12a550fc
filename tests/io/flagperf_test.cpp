#include <kunmetrics/io/flagperf.hpp>
#include <kunmetrics/io/linux_environment.hpp>

#include "../hand_clock.hpp"
#include "golden_file.hpp"

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

// FlagPerf's A800 row of llama2-7b: 3564 tokens/p/s, 47.98 % of its own MFU.
constexpr training_case a800_case{.model = models::llama2_7b, .processor = devices::nvidia_a800_80gb, .precision = fp16,
                                  .cluster = {.per_node = 8 * processor / node},
                                  .micro_batch_size = 1 * sample / (replica * micro_step),
                                  .sequence_length = 4096 * token / sample};

flagperf_document a800_document() {
  return {.title = {"英伟达A800", "NVIDIA A800"},
          .configuration = {"A800单机8卡（1x8）", "A800, one node of 8 cards (1x8)"},
          .hardware = "A800",
          .case_file = "llama2_7b_a800.json",
          .optimizer_file = "ds_config.json",
          .environment = {.machine_model = "NVIDIA HGX A800 8-GPU",
                          .accelerator = "NVIDIA A800-SXM4-80GB",
                          .cpu = "Intel(R) Xeon(R) Platinum 8350C CPU @ 2.60GHz, 64 logical CPUs",
                          .memory = "1007.59 GiB",
                          .network = "InfiniBand, 200 Gb/s",
                          .os = "Ubuntu 20.04",
                          .kernel = "5.4.0-26-generic",
                          .docker_image = "nvcr.io/nvidia/pytorch:23.09-py3",
                          .framework = "llama2_zero3",
                          .dependencies = "oneDNN 2.6"},
          .parallel = {"sharded data parallel", "llama2_zero3", "ZeRO-DP O3, DP_SIZE=8"},
          .optimisations = {"gradient_checkpointing"},
          .tuned_fc_blocking = true,
          .dataset = "openwebtext",
          .dataset_note = {"训练前1亿个token", "the first 100 million tokens"},
          .memory = {.used = 57 * (GiB / processor), .total = 80 * (GiB / processor),
                     .measured_by = {"由设备运行时报告", "as the device's runtime reports it"}},
          .reference_rows = {kunlunxin_r300_row()}};
}

// Two steps of warm-up and ten measured ones.
template <calculator... Calculators>
auto measured(training_case const& run, Calculators... calculators) {
  basic_meter<hand_clock, Calculators...> meter{run, {.warm_up = 2 * step}, calculators...};
  for (int i = 0; i < 12; ++i) {
    auto step = meter.start();
    hand_clock::at += std::chrono::microseconds{i < 2 ? 9'000'000 : 1'149'270};
    step.finish({.tokens = 32768 * token, .loss = i == 7 ? 5.23 : 5.13});
  }
  return summary_of(meter);
}

auto a800_run() {
  return measured(a800_case, tokens_per_processor_second, mfu<flops::flagperf_nominal>, mfu<flops::palm>, mfu<flops::causal>,
                  hfu<flops::palm, recompute::layers>);
}

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

// The line that holds the part; empty when none does.
std::string line_with(std::string const& text, std::string_view part) {
  auto const at = text.find(part);
  if (at == std::string::npos) return {};
  auto const begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}
}  // namespace

TEST_CASE("the Chinese document") {
  CHECK(golden::difference("flagperf_report.zh.md", flagperf_report(a800_document(), a800_run(), language::zh)) == "");
}

TEST_CASE("the English document") {
  CHECK(golden::difference("flagperf_report.en.md", flagperf_report(a800_document(), a800_run(), language::en)) == "");
}

TEST_CASE("a difference from a golden file is said with its line") {
  CHECK(golden::first_difference("a\nb\n", "a\nb\n") == "");
  CHECK(golden::first_difference("a\nb\nc\n", "a\nB\nc\n") == "line 2\n  kept:     b\n  produced: B");
  CHECK(golden::first_difference("a\n", "a\n\n") == "line 2\n  kept:     (no such line)\n  produced: ");
  CHECK(golden::first_difference("a\nb\n", "a\n") == "line 2\n  kept:     b\n  produced: (no such line)");
  CHECK(golden::first_difference("a\n", "a") == "the end: one text closes its last line, the other does not");
}

// Every heading and label of FlagPerf's document, in its order.
TEST_CASE("the Chinese document has the sections of FlagPerf's") {
  auto const text = flagperf_report(a800_document(), a800_run(), language::zh);
  std::size_t at = 0;
  for (std::string_view part :
       {"### 英伟达A800配置与运行信息参考\n#### 环境配置\n- ##### 硬件环境\n  - 机器型号: ", "\n  - 加速卡型号: ", "\n  - CPU型号: ",
        "\n  - 多机网络类型、带宽: ", "\n\n- ##### 软件环境\n  - OS版本：", "\n  - OS kernel版本: ", "\n  - 加速卡驱动版本：",
        "\n  - Docker镜像和版本：", "\n  - 训练框架版本：", "\n  - 依赖软件版本：", "\n\n- ##### 并行策略\n\n", "  - 并行技术：",
        "\n  - 实施者：", "\n  - 实施细节：", "\n\n- ##### 优化策略\n\n", "  - gradient_checkpointing\n  - FC算子的分块策略调优\n",
        "\n### 运行情况\n\n* 输入批尺寸\n  1. local_batchsize(micro_batchsize)，简写为LBS", "\n  2. seqlength(max_position_embedding)，简写为MPE",
        "\n  3. gradient_accumulate_steps，简写为GAS",
        "\n  4. global_batchsize恒等于local_batchsize\\*gradient_accumulate_steps\\*data_parallel_size，简写为GBS。在本case中，只存在数据并行，"
        "因此data_parallel_size=world_size",
        "\n\n* 通用指标\n\n| 指标名称 ", "\n| 任务类别 ", "\n| 模型 ", "\n| 数据集 ", "\n| 数据精度 ", "\n| 超参修改 ", "\n| 硬件设备简称 ",
        "\n| 硬件存储使用 ", "\n| 吞吐量 ", "\n| 损失值 ", "\n| 计算使用率 ", "\n\n* 性能指标\n\n| 配置 ", "| fix_hp ", "| tokens/p/s ",
        "| loss ", "| mem ", "| MFU "}) {
    CAPTURE(std::string{part});
    auto const found = text.find(part, at);
    REQUIRE(found != std::string::npos);
    at = found + part.size() - 1;  // a part may begin with the line break that ends the one before
  }
}

TEST_CASE("the row of the run agrees with FlagPerf's published one") {
  auto const text = flagperf_report(a800_document(), a800_run(), language::en);
  auto const row = line_with(text, "| A800, one node");
  CHECK(has(row, "| MPE=4096 LBS=1 |"));
  CHECK(has(row, "| 3564.0 [2] "));
  CHECK(has(row, "| 5.1400 [3] "));
  CHECK(has(row, "| 57.00/80.00 [4] "));
  CHECK(has(row, "| 47.98 % (flagperf_nominal) [5]; 52.64 % (palm) [6]; 48.96 % (causal) [7] |"));
}

TEST_CASE("steps that are not as others are counted in the rate's note, where there are any") {
  auto run = a800_run();
  CHECK_FALSE(has(flagperf_report(a800_document(), run, language::en), "skipped for overflow"));
  run.skipped_steps = 2 * step;
  run.losses_not_finite = 1 * step;
  CHECK(has(flagperf_report(a800_document(), run, language::en),
            "left out: 2; steps skipped for overflow: 2, with a clock that went backwards: 0, with a loss that is not finite: 1\n"));
  CHECK(has(flagperf_report(a800_document(), run, language::zh), "；溢出而跳过2步，时钟倒退0步，损失非有限1步\n"));
}

TEST_CASE("the reference row keeps its blank cells, and its mark says that it was not measured here") {
  auto const zh = flagperf_report(a800_document(), a800_run(), language::zh);
  auto const row = line_with(zh, "| R300单机8卡（1x8）");
  CHECK(row.starts_with("| R300单机8卡（1x8） [8] | MPE=512 LBS=12 |            | 5.27       | 29/32           |   "));
  CHECK(row.find_first_not_of(' ', row.rfind("29/32") + 17) == row.size() - 1);  // nothing but the closing bar
  CHECK(has(zh, "\n- [8] 参考数据，非本次运行所测：FlagPerf的昆仑芯llama2-7b案例原文"));
}

TEST_CASE("a note of an MFU has its convention, its peak and the peak's source") {
  auto const zh = flagperf_report(a800_document(), a800_run(), language::zh);
  CHECK(line_with(zh, "- [6] MFU") ==
        "- [6] MFU(palm) = 52.64 % = tokens/p/s × 46.084915 GFLOP/token ÷ 312 TFLOP/s fp16；末项为单个处理器的峰值，来源：NVIDIA data "
        "sheet, dense tensor rate");
  CHECK(has(line_with(zh, "- HFU(palm, layers) = "), "61.18441 GFLOP/token"));  // a note without a cell
}

TEST_CASE("what is absent is a dash, with the reason in the document's language") {
  auto document = a800_document();
  document.environment = {};
  document.memory = {};
  document.parallel = {};
  document.optimisations = {};
  document.tuned_fc_blocking = false;
  document.case_file = "";
  document.dataset = "";
  auto run = a800_case;
  run.precision = fp8;  // of which no peak is known
  basic_meter<hand_clock, tokens_per_processor_second_t, decltype(mfu<flops::palm>)> meter{run, {}, {}, {}};
  auto const empty = summary_of(meter);

  SUBCASE("zh") {
    auto const text = flagperf_report(document, empty, language::zh);
    CHECK(has(text, "\n  - 机器型号: - [1]\n  - 加速卡型号: - [1]\n  - CPU型号: - [1]\n  - 多机网络类型、带宽: - [1]\n"));
    CHECK(has(text, "\n  - 并行技术：- [1]\n  - 实施者：- [1]\n  - 实施细节：- [1]\n\n- ##### 优化策略\n\n  - 无\n"));
    CHECK(has(text, "为- [1]中所写"));
    CHECK(has(line_with(text, "| 数据集"), "| - [1] "));
    CHECK(has(line_with(text, "| A800单机8卡"), "| - [2]      | - [3] | - [4]/- [5] | - (palm) [6] |"));
    CHECK(has(text,
              "- [1] case中未说明，本机也未报告\n"
              "- [2] tokens/p/s：预热之后没有测量任何一步\n"
              "- [3] loss：没有任何一步给出有限的损失值\n"
              "- [4] mem：没有测量内存用量\n"
              "- [5] mem：处理器的内存总量未知\n"
              "- [6] MFU(palm)：预热之后没有测量任何一步\n"));
  }
  SUBCASE("en") {
    auto const text = flagperf_report(document, empty, language::en);
    CHECK(has(text, "\n  - Machine model: - [1]\n"));
    CHECK(has(text, "\n  - Technique: - [1]\n"));
    CHECK(has(text, "\n- ##### Optimisation strategy\n\n  - none\n"));
    CHECK(has(text,
              "- [1] neither stated by the case nor reported by this machine\n"
              "- [2] tokens/p/s: no step has been measured after warm-up\n"
              "- [3] loss: no step reported a finite loss\n"
              "- [4] mem: the memory in use was not measured\n"
              "- [5] mem: the memory of the processor is not known\n"
              "- [6] MFU(palm): no step has been measured after warm-up\n"));
  }
}

TEST_CASE("an unknown peak leaves the rate and takes the MFU") {
  auto run = a800_case;
  run.precision = fp8;
  auto const text = flagperf_report(a800_document(), measured(run, tokens_per_processor_second, mfu<flops::palm>), language::zh);
  auto const row = line_with(text, "| A800单机8卡");
  CHECK(has(row, "| 3564.0 [2] "));
  CHECK(has(row, "| - (palm) [5] |"));
  CHECK(has(text, "- [5] MFU(palm)：该设备在此精度下的峰值未知\n"));
}

TEST_CASE("every reason that the library gives has a Chinese text") {
  auto unnamed = a800_case;
  unnamed.model.nominal_parameters = 0;
  device secret = devices::nvidia_a800_80gb;
  secret.peaks = {peak_rate{fp16, 0.0 * flop / (processor * second), ""}};
  basic_meter<hand_clock, tokens_per_processor_second_t> const idle{a800_case, {}, {}};
  processor_memory const memory;
  for (std::string_view reason :
       {idle(tokens_per_processor_second).reason(), summary_of(idle).loss.reason(), summary_of(idle).step_time.reason(),
        peak(devices::nvidia_a800_80gb, fp8).reason(), peak(secret, fp16).reason(), flops::flagperf_nominal::undefined_for(unnamed.model),
        memory.used.reason(), memory.total.reason()}) {
    CAPTURE(std::string{reason});
    REQUIRE(!reason.empty());
    CHECK(detail::own_text_in(language::zh, reason) != reason);
    CHECK(detail::own_text_in(language::en, reason) == reason);
  }
  CHECK(detail::own_text_in(language::zh, "a user's own") == "a user's own");
}

TEST_CASE("what is found of a container is said in the document's language") {
  trainer_test::scratch_folder const root;
  auto document = a800_document();
  for (std::string_view file : {"proc/1/cgroup", "run/.containerenv", ".dockerenv"}) {  // each hint goes before the last
    root.file(file, "0::/docker/abc\n");
    CAPTURE(std::string{file});
    document.environment.docker_image = linux_environment(root.path()).docker_image;
    CHECK(has(flagperf_report(document, a800_run(), language::zh),
              "  - Docker镜像和版本：在容器内（据/" + std::string{file} + "），容器内查不到镜像名称\n"));
  }
  CHECK(has(flagperf_report(document, a800_run(), language::en),
            "  - Docker image and version: in a container (/.dockerenv), its image is not named inside it\n"));
}

TEST_CASE("a run that computed neither rate nor MFU says so") {
  auto const text = flagperf_report(a800_document(), measured(a800_case), language::en);
  CHECK(has(text, ": this run did not compute throughput\n"));
  CHECK(has(text, ": this run did not compute MFU\n"));
}

TEST_CASE("accumulation and further changes stand in fix_hp; model parallelism is said") {
  auto run = a800_case;
  run.cluster.tensor_parallel = 2;
  run.gradient_accumulation_steps = 64 * micro_step / step;
  auto document = a800_document();
  document.further_fix_hp = "layers=1";
  auto const text = flagperf_report(document, measured(run, tokens_per_processor_second), language::zh);
  CHECK(has(text, "| MPE=4096 LBS=1 GAS=64 layers=1 |"));
  CHECK(has(text, "除数据并行外还存在模型并行，world_size=8，data_parallel_size=4，GBS=1\\*64\\*4=256 sample/step，即1048576 token/step。\n"));
  CHECK(!has(text, "只存在数据并行"));
}

TEST_CASE("half of the memory known") {
  auto document = a800_document();
  document.memory.total = absent{"the memory of the processor is not known"};
  document.memory.measured_by = {};
  auto const text = flagperf_report(document, a800_run(), language::zh);
  CHECK(has(line_with(text, "| A800单机8卡"), "| 57.00/- [4] [5] |"));
  CHECK(has(text, "- [5] mem：用量最高的处理器的存储用量峰值/总量，单位GiB；测量方法未说明\n"));
}

TEST_CASE("text from elsewhere cannot break a line or a table") {
  auto document = a800_document();
  document.environment.cpu = "two\nlines";
  document.dataset = "a|b";
  auto const text = flagperf_report(document, a800_run(), language::en);
  CHECK(has(text, "  - CPU model: two lines\n"));
  CHECK(has(text, "| a\\|b "));
}

TEST_CASE("holes are filled by number, and one without a value stays") {
  CHECK(detail::filled("{1}-{0}-{1}", {"a", "b"}) == "b-a-b");
  CHECK(detail::filled("{2} {x} {", {"a"}) == "{2} {x} {");
  CHECK(detail::filled("{0}", {"{0}"}) == "{0}");  // values are not patterns
}

TEST_CASE("what a reader must know beside the numbers stands among the notes") {
  auto document = a800_document();
  document.notes = {{"只运行一层", "one layer only"}};
  CHECK(flagperf_report(document, a800_run(), language::zh).find("\n- 只运行一层\n") != std::string::npos);
  CHECK(flagperf_report(document, a800_run(), language::en).find("\n- one layer only\n") != std::string::npos);
}
