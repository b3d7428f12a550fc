#include <kunmetrics/devices.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr auto tera = teraflop / (processor * second);

static_assert(peak(devices::kunlunxin_r300, fp16)->rate == 128e12 * flop / (processor * second));
static_assert(devices::kunlunxin_r300.memory == 32 * GiB / processor);
static_assert(peak(devices::nvidia_a800_80gb, fp16)->rate == 312 * tera);
static_assert(peak(devices::nvidia_h100_sxm, bf16)->rate == 989 * tera);
static_assert(peak(devices::nvidia_h100_pcie, bf16)->rate == 756 * tera);
static_assert(peak(devices::nvidia_h200_sxm, bf16)->rate == 989 * tera, "dense, not the sparse 1979");

// Unknown is unknown, and says why.
static_assert(!peak(devices::kunlunxin_r300, fp8));
static_assert(peak(devices::kunlunxin_r300, fp8).reason() == "no peak is known for this device at this precision");
constexpr device secret{.name = "secret", .peaks = {peak_rate{fp16, -1.0 * flop / (processor * second), "config"}}};
static_assert(!peak(secret, fp16));
static_assert(peak(secret, fp16).reason() == "the peak of this device is confidential");

// Exact names: case, spaces, hyphens and underscores aside.
static_assert(device_named("r300")->name == "Kunlunxin R300");
static_assert(device_named("kunlunxin_r300")->name == "Kunlunxin R300");
static_assert(device_named("NVIDIA H100 80GB HBM3")->name == "NVIDIA H100-SXM5-80GB");
static_assert(device_named("h100-pcie")->name == "NVIDIA H100-PCIe-80GB");
static_assert(!device_named("R30"));
static_assert(!device_named("R3000"));
static_assert(!device_named("H100 X"));
static_assert(!device_named(""));
static_assert(!device_named("--"));

// Trap 6: a name inside another is not that device.
static_assert(device_named("L4")->name == "NVIDIA L4");
static_assert(device_named("L40S")->name == "NVIDIA L40S");
static_assert(device_named("A40")->name == "NVIDIA A40");
static_assert(!device_named("A4000"));
static_assert(!device_named("NVIDIA L40S-48Q"));
static_assert(peak(*device_named("H100"), bf16)->rate == 989 * tera);
static_assert(peak(*device_named("H100 PCIe"), bf16)->rate == 756 * tera);

// Trap 7: the rate that accumulates in fp32, the die apart from its card, a board apart from its cards.
static_assert(peak(*device_named("RTX 4090"), fp16)->rate == 165.2 * tera);
static_assert(peak(*device_named("MI250X"), bf16)->rate == 383 * tera && device_named("MI250X")->is == "card of two dies");
static_assert(peak(*device_named("MI250X GCD"), bf16)->rate == 191.5 * tera && device_named("MI250X GCD")->is == "die");
static_assert(peak(*device_named("R480-X8"), fp16)->rate == 1000 * tera);

// Names as nvidia-smi, torch and jax report them.
constexpr bool is(std::string_view reported, std::string_view name) {
  auto const known = device_named(reported);
  return known && known->name == name;
}
static_assert(is("NVIDIA A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB") && is("NVIDIA A100-SXM4-40GB", "NVIDIA A100-SXM4-40GB"));
static_assert(is("NVIDIA A100 80GB PCIe", "NVIDIA A100-PCIe-80GB") && is("NVIDIA A800-SXM4-80GB", "NVIDIA A800-SXM4-80GB"));
static_assert(is("NVIDIA H100 PCIe", "NVIDIA H100-PCIe-80GB") && is("NVIDIA H100 NVL", "NVIDIA H100-NVL-94GB"));
static_assert(is("NVIDIA H800", "NVIDIA H800-SXM5-80GB") && is("NVIDIA H20", "NVIDIA H20-96GB"));
static_assert(is("NVIDIA H200", "NVIDIA H200-SXM-141GB") && is("NVIDIA H200 NVL", "NVIDIA H200-NVL"));
static_assert(is("Tesla V100-SXM2-32GB", "NVIDIA V100-SXM2-32GB") && is("Tesla T4", "NVIDIA T4"));
static_assert(is("NVIDIA GeForce RTX 4090", "NVIDIA RTX 4090") && is("NVIDIA B300 SXM6 AC", "NVIDIA B300-SXM"));
static_assert(is("AMD Instinct MI300X", "AMD MI300X") && is("Ascend910B2", "Huawei Ascend 910B2"));
static_assert(is("TPU v5 lite", "Google TPU v5e") && is("TPU v5", "Google TPU v5p"));
static_assert(is("NVIDIA A100-PCIE-40GB", "NVIDIA A100-PCIe-40GB") && is("A100-PCIE-40GB", "NVIDIA A100-PCIe-40GB"));
static_assert(is("Tesla V100-SXM3-32GB", "NVIDIA V100-SXM3-32GB") && !device_named("Tesla V100-SXM3-32GB-H"));
static_assert(is("NVIDIA GeForce RTX 4090 D", "NVIDIA RTX 4090 D") && is("RTX 4090D", "NVIDIA RTX 4090 D"));
static_assert(is("NVIDIA A30", "NVIDIA A30") && is("NVIDIA A10", "NVIDIA A10") && is("NVIDIA A10G", "NVIDIA A10G"));
static_assert(is("NVIDIA A40", "NVIDIA A40") && is("NVIDIA L4", "NVIDIA L4") && is("NVIDIA L40S", "NVIDIA L40S"));
static_assert(is("NVIDIA RTX A6000", "NVIDIA RTX A6000") && is("NVIDIA B200", "NVIDIA B200-SXM"));
static_assert(is("AMD Instinct MI210", "AMD MI210") && is("AMD Instinct MI300A", "AMD MI300A"));
static_assert(is("AMD Instinct MI300X OAM", "AMD MI300X") && is("AMD Instinct MI300X VF", "AMD MI300X"));
static_assert(is("AMD Instinct MI325X", "AMD MI325X") && is("AMD Instinct MI325X OAM", "AMD MI325X"));
static_assert(is("AMD Instinct MI350X", "AMD MI350X") && is("AMD Instinct MI350X OAM", "AMD MI350X"));
static_assert(is("AMD Instinct MI355X", "AMD MI355X") && is("AMD Instinct MI355X OAM", "AMD MI355X"));
static_assert(device_named("AMD Instinct MI250X / MI250").reason().starts_with("the dies of two kinds of card"));

// What such names stand for: a device's own rates, not those of its neighbour by name.
static_assert(peak(*device_named("NVIDIA GeForce RTX 4090 D"), fp16)->rate == 147.1 * tera);
static_assert(peak(*device_named("NVIDIA GeForce RTX 4090 D"), fp16)->accumulated_in == fp32);
static_assert(peak(devices::nvidia_a10g, bf16)->rate == 70 * tera &&
              peak(devices::nvidia_a10, bf16)->rate == 125 * tera);
static_assert(peak(devices::nvidia_a30, bf16)->rate == 165 * tera &&
              devices::nvidia_a30.power == 165.0 * watt / processor);
static_assert(devices::nvidia_a30.memory == 24 * GiB / processor);
static_assert(peak(devices::nvidia_a100_pcie_40gb, bf16)->rate == 312 * tera);
static_assert(devices::nvidia_a100_pcie_40gb.link_bandwidth < devices::nvidia_a100_sxm4_40gb.link_bandwidth);
static_assert(peak(devices::nvidia_v100_sxm3_32gb, fp16)->rate == 125 * tera);
static_assert(peak(devices::amd_mi350x, bf16)->rate == 2300 * tera &&
              peak(devices::amd_mi350x, fp8)->rate == 4600 * tera);
static_assert(peak(devices::amd_mi350x, bf16)->rate < peak(devices::amd_mi355x, bf16)->rate);

// A second statement that is used says what the first leaves open, and nothing that it says.
static_assert(peak(devices::nvidia_h20_96gb, bf16)->rate == 148 * tera &&
              peak(devices::nvidia_h20_96gb, fp8)->rate == 296 * tera);
static_assert(peak(devices::nvidia_h20_96gb, fp8)->source.starts_with("twice the used 148"));
static_assert(peak(devices::nvidia_h20_96gb, bf16)->source.starts_with("FlyTOmeLight/llm-cal"));
constexpr published two_used[]{{.source = "one", .rates = {{fp16, 1}}, .memory = devices::detail::gib(1)},
                               {.source = "two", .rates = {{fp16, 2}, {fp8, 3}}, .memory = devices::detail::gib(2)}};
constexpr device of_two = devices::detail::device_of("of two", "card", two_used, {});
static_assert(peak(of_two, fp16)->rate == 1 * tera && peak(of_two, fp8)->rate == 3 * tera && !of_two.alternatives[0]);
static_assert(of_two.memory == 1 * GiB / processor);

// Why a name is not found: not known, or shared by devices whose rates differ.
static_assert(device_named("H1000").reason() == "no device of the table has this name");
static_assert(device_named("").reason() == "an empty name names no device");
static_assert(device_named("- _").reason() == "an empty name names no device");
static_assert(device_named("AMD Instinct MI250X").reason().starts_with("each die reports the name of its card"));
static_assert(
    device_named("cpu").reason() ==
    "a CPU's peak is measured where it runs, not published: llama2_zero3 does so at its start and reports it");
static_assert(device_named("Ascend 910B").reason() == "a family: say 910B1, 910B2, 910B3 or 910B4");

// Accumulation and power where a source says them, else absent.
static_assert(peak(devices::nvidia_rtx_4090, fp16)->accumulated_in == fp32);
static_assert(!peak(devices::kunlunxin_r300, fp16)->accumulated_in);
static_assert(devices::metax_c500_oam.power == 450.0 * watt / processor);
static_assert(!devices::kunlunxin_r300.power);

// Two dies of a 910C make its memory; what is not verified is not used.
static_assert(devices::huawei_ascend_910c.memory == 128 * GiB / processor);
static_assert(!peak(devices::google_tpu_v2, bf16) && devices::google_tpu_v2.memory == 0 * GiB / processor);
static_assert(devices::google_tpu_v2.published_by.front().as == standing::unverified);

// The R300: one value used, five beside.
static_assert(peak(devices::kunlunxin_r300, fp16)->remark.ends_with("used: the maker's figure of the board, by card"));
static_assert([] {
  constexpr std::array beside{256, 495, 989, 999};
  for (std::size_t i = 0; i < beside.size(); ++i) {
    if (devices::kunlunxin_r300.alternatives.at(i)->rate != beside.at(i) * tera) return false;
  }
  return true;
}());

static_assert(precision_named("bf16") == bf16);
static_assert(!precision_named("half"));
}  // namespace

TEST_CASE("names and aliases lead to one device each, and every peak has a source") {
  for (device const* listed : devices::all) {
    device const& d = *listed;
    CAPTURE(d.name);
    CHECK(device_named(d.name)->name == d.name);
    for (std::string_view alias : d.aliases) {
      CAPTURE(alias);
      CHECK(device_named(alias)->name == d.name);
    }
    for (auto const* rates : {&d.peaks, &d.alternatives}) {
      for (auto const& rate : *rates) {
        if (rate) CHECK(!rate->source.empty());
      }
    }
  }
}

TEST_CASE("no name is of two devices, and none is ambiguous too") {
  std::vector<std::string_view> names;
  for (device const* d : devices::all) {
    names.push_back(d->name);
    names.insert(names.end(), d->aliases.begin(), d->aliases.end());
  }
  for (auto const& each : devices::ambiguous) names.push_back(each.name);
  for (std::size_t i = 0; i < names.size(); ++i) {
    CAPTURE(names[i]);
    CHECK(std::none_of(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), [&](std::string_view other) {
      return kunmetrics::detail::same_device_name(names[i], other);
    }));
  }
}

TEST_CASE("a part of a name, or a name with more after it, is not that device") {
  for (device const* d : devices::all) {
    CAPTURE(d->name);
    CHECK(!device_named(std::string{d->name} + " of another kind"));
    CHECK(!device_named(std::string{d->name}.substr(1)));
    CHECK(!device_named(std::string{d->name}.append("Q")));
  }
}

// A conflicting value says why it is not used, and the used one beside it why it is.
TEST_CASE("statements in conflict give their reasons") {
  for (device const* d : devices::all) {
    CAPTURE(d->name);
    REQUIRE(!d->published_by.empty());
    CHECK(std::ranges::is_sorted(d->published_by, {}, [](published const& each) { return each.as != standing::used; }));
    for (published const& each : d->published_by) {
      CHECK(!each.source.empty());
      if (each.as != standing::used) CHECK(!each.remark.empty());
    }
    for (auto const& rate : d->alternatives) {
      if (!rate) continue;
      CHECK(!rate->remark.empty());
      if (auto const used = peak(*d, rate->at)) CHECK(used->rate != rate->rate);
    }
  }
}
