// The words of FlagPerf's case document, one table a language.
//
// {0}, {1}, ... are filled in by the layout, which is the same for both (flagperf.hpp). Headings,
// labels and table heads are those of FlagPerf's Kunlunxin document; its English is ours.
#pragma once

#include <kunmetrics/io/flagperf_document.hpp>

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

namespace kunmetrics::detail {

struct flagperf_phrases {
  std::string_view title, environment;
  std::string_view hardware, machine_model, accelerator, cpu, memory, network;
  std::string_view software, os, kernel, driver, docker_image, framework, dependencies;
  std::string_view parallel, technique, implementer, details;
  std::string_view optimisation, tuned_fc_blocking, no_optimisation;
  std::string_view run, batch_sizes, lbs, mpe, gas, gbs_identity, data_parallel_alone, model_parallel_too, gbs;
  std::string_view general;
  std::array<std::string_view, 3> general_head;
  std::array<std::string_view, 2> task, model, dataset, precision, fix_hp, device, storage, throughput, loss, use;
  std::string_view see_performance, dataset_size;
  std::string_view performance, notes;
  std::array<std::string_view, 6> performance_head;
  std::string_view not_stated, rate_note, odd_steps, loss_note, memory_note, use_note, absent_note, reference_note;
  std::string_view no_rate, no_use, method_not_stated, pause;
};

inline constexpr flagperf_phrases chinese{
    .title = "{0}配置与运行信息参考", .environment = "环境配置",
    .hardware = "硬件环境", .machine_model = "机器型号: ", .accelerator = "加速卡型号: ", .cpu = "CPU型号: ",
    .memory = "内存: ", .network = "多机网络类型、带宽: ",
    .software = "软件环境", .os = "OS版本：", .kernel = "OS kernel版本: ", .driver = "加速卡驱动版本：",
    .docker_image = "Docker镜像和版本：", .framework = "训练框架版本：", .dependencies = "依赖软件版本：",
    .parallel = "并行策略", .technique = "并行技术：", .implementer = "实施者：", .details = "实施细节：",
    .optimisation = "优化策略", .tuned_fc_blocking = "FC算子的分块策略调优", .no_optimisation = "无",
    .run = "运行情况", .batch_sizes = "输入批尺寸",
    .lbs = "local_batchsize(micro_batchsize)，简写为LBS，即实际进入模型的张量批尺寸，为{0}中所写，在本case中为{1}",
    .mpe = "seqlength(max_position_embedding)，简写为MPE，即实际进入模型的序列长度，为{0}中所写，在本case中为{1}",
    .gas = "gradient_accumulate_steps，简写为GAS，即梯度累加步数，为{0}中所写，在本case中为{1}",
    .gbs_identity = "global_batchsize恒等于local_batchsize\\*gradient_accumulate_steps\\*data_parallel_size，简写为GBS。",
    .data_parallel_alone = "在本case中，只存在数据并行，因此data_parallel_size=world_size={0}，",
    .model_parallel_too = "在本case中，除数据并行外还存在模型并行，world_size={1}，data_parallel_size={0}，",
    .gbs = "GBS={0}\\*{1}\\*{2}={3}，即{4}。",
    .general = "通用指标", .general_head = {"指标名称", "指标值", "特殊说明"},
    .task = {"任务类别", "自然语言理解"}, .model = {"模型", ""}, .dataset = {"数据集", ""}, .precision = {"数据精度", ""},
    .fix_hp = {"超参修改", "跑满硬件设备评测吞吐量所需特殊超参"}, .device = {"硬件设备简称", ""},
    .storage = {"硬件存储使用", "通常称为“显存”,单位为GiB"}, .throughput = {"吞吐量", "平均单卡每秒处理的token数"},
    .loss = {"损失值", "训练损失值"}, .use = {"计算使用率", "参见PaLM论文定义；FLOP约定与峰值见“注释”"},
    .see_performance = ",见“性能指标”", .dataset_size = "共测量{1}步、{0}个token；此前{2}步为预热，不计入",
    .performance = "性能指标", .notes = "注释", .performance_head = {"配置", "fix_hp", "tokens/p/s", "loss", "mem", "MFU"},
    .not_stated = "case中未说明，本机也未报告",
    .rate_note = "tokens/p/s：Σtoken ÷ Σ时间 ÷ 处理器数 = {0} ÷ {1} ÷ {2}，单位{3}；共测量{4}步，此前{5}步为预热，不计入",
    .odd_steps = "；溢出而跳过{0}步，时钟倒退{1}步，损失非有限{2}步",
    .loss_note = "loss：最近至多10步的平均损失值，即每token的交叉熵，单位nat；非有限值不计入",
    .memory_note = "mem：用量最高的处理器的存储用量峰值/总量，单位GiB；{0}",
    .use_note = "{0} = {1} = tokens/p/s × {2} ÷ {3}；末项为单个处理器的峰值，来源：{4}",
    .absent_note = "{0}：{1}", .reference_note = "参考数据，非本次运行所测：{0}",
    .no_rate = "本次运行没有计算吞吐量", .no_use = "本次运行没有计算MFU", .method_not_stated = "测量方法未说明", .pause = "；"};

inline constexpr flagperf_phrases english{
    .title = "{0}: configuration and run, for reference", .environment = "Environment",
    .hardware = "Hardware", .machine_model = "Machine model: ", .accelerator = "Accelerator model: ",
    .cpu = "CPU model: ", .memory = "Memory: ", .network = "Inter-node network, type and bandwidth: ",
    .software = "Software", .os = "OS version: ", .kernel = "OS kernel version: ",
    .driver = "Accelerator driver version: ", .docker_image = "Docker image and version: ",
    .framework = "Training framework version: ", .dependencies = "Versions of dependencies: ",
    .parallel = "Parallel strategy", .technique = "Technique: ", .implementer = "Implementer: ", .details = "Details: ",
    .optimisation = "Optimisation strategy", .tuned_fc_blocking = "Tuned blocking strategy of FC operators",
    .no_optimisation = "none",
    .run = "The run", .batch_sizes = "Input batch sizes",
    .lbs = "local_batchsize (micro_batchsize), LBS for short: the batch size of the tensors that really enter the model, as written in {0}; here {1}",
    .mpe = "seqlength (max_position_embedding), MPE for short: the length of the sequences that really enter the model, as written in {0}; here {1}",
    .gas = "gradient_accumulate_steps, GAS for short: the number of gradient accumulation steps, as written in {0}; here {1}",
    .gbs_identity = "global_batchsize is always local_batchsize\\*gradient_accumulate_steps\\*data_parallel_size, GBS for short. ",
    .data_parallel_alone = "Here there is data parallelism only, so data_parallel_size=world_size={0}, and ",
    .model_parallel_too = "Here there is model parallelism beside data parallelism: world_size={1}, data_parallel_size={0}, and ",
    .gbs = "GBS={0}\\*{1}\\*{2}={3}, that is {4}.",
    .general = "General metrics", .general_head = {"metric", "value", "remark"},
    .task = {"task", "natural language understanding"}, .model = {"model", ""}, .dataset = {"data set", ""}, .precision = {"precision", ""},
    .fix_hp = {"changed hyperparameters", "the ones needed to measure throughput on fully used hardware"},
    .device = {"short name of the hardware", ""},
    .storage = {"device memory use", "in GiB"}, .throughput = {"throughput", "mean tokens per second of one processor"},
    .loss = {"loss", "training loss"}, .use = {"compute utilisation", "as the PaLM paper defines it; FLOP convention and peak: see \"Notes\""},
    .see_performance = ", see \"Performance\"", .dataset_size = "steps measured: {1}, tokens: {0}; warm-up steps before them, left out: {2}",
    .performance = "Performance", .notes = "Notes", .performance_head = {"configuration", "fix_hp", "tokens/p/s", "loss", "mem", "MFU"},
    .not_stated = "neither stated by the case nor reported by this machine",
    .rate_note = "tokens/p/s: Σ tokens ÷ Σ time ÷ processors = {0} ÷ {1} ÷ {2}, in {3}; steps measured: {4}, warm-up steps before them, left out: {5}",
    .odd_steps = "; steps skipped for overflow: {0}, with a clock that went backwards: {1}, with a loss that is not finite: {2}",
    .loss_note = "loss: mean of the latest steps, at most ten, as cross-entropy per token in nat; values that are not finite are left out",
    .memory_note = "mem: peak use / capacity of the processor that used most, in GiB; {0}",
    .use_note = "{0} = {1} = tokens/p/s × {2} ÷ {3}; the last is the peak of one processor, source: {4}",
    .absent_note = "{0}: {1}", .reference_note = "for reference, not measured by this run: {0}",
    .no_rate = "this run did not compute throughput", .no_use = "this run did not compute MFU",
    .method_not_stated = "how it was measured is not stated", .pause = "; "};

constexpr flagperf_phrases const& phrases(language l) { return l == language::zh ? chinese : english; }

// The library's own reasons and findings in Chinese; any other text stays as it was given.
inline constexpr std::array<std::array<std::string_view, 2>, 10> translated_texts{{
    {"no step has been measured after warm-up", "预热之后没有测量任何一步"},
    {"no step reported a finite loss", "没有任何一步给出有限的损失值"},
    {"no peak is known for this device at this precision", "该设备在此精度下的峰值未知"},
    {"the peak of this device is confidential", "该设备的峰值不公开"},
    {"this model has no advertised size", "该模型没有标称参数量"},
    {"the memory in use was not measured", "没有测量内存用量"},
    {"the memory of the processor is not known", "处理器的内存总量未知"},
    {"in a container (/.dockerenv), its image is not named inside it", "在容器内（据/.dockerenv），容器内查不到镜像名称"},
    {"in a container (/run/.containerenv), its image is not named inside it", "在容器内（据/run/.containerenv），容器内查不到镜像名称"},
    {"in a container (/proc/1/cgroup), its image is not named inside it", "在容器内（据/proc/1/cgroup），容器内查不到镜像名称"}}};

constexpr std::string_view own_text_in(language l, std::string_view text) {
  if (l == language::en) return text;
  for (auto const& [en, zh] : translated_texts) {
    if (en == text) return zh;
  }
  return text;
}

// The pattern with {0}, {1}, ... replaced by the values; a number without a value stays as it is.
inline std::string filled(std::string_view pattern, std::initializer_list<std::string_view> values) {
  std::string text;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    auto const rest = pattern.substr(at);
    bool const hole = rest.size() >= 3 && rest[0] == '{' && rest[2] == '}' && rest[1] >= '0' && rest[1] <= '9';
    auto const index = hole ? static_cast<std::size_t>(rest[1] - '0') : values.size();
    if (index < values.size()) {
      text += values.begin()[index];
      at += 2;
    } else {
      text += pattern[at];
    }
  }
  return text;
}

}  // namespace kunmetrics::detail
