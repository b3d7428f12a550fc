#include <kunmetrics/devices.hpp>

#include <doctest/doctest.h>

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

static_assert(precision_named("bf16") == bf16);
static_assert(!precision_named("half"));
}  // namespace

TEST_CASE("names and aliases lead to one device each, and every peak has a source") {
  for (device const* listed : devices::all) {
    device const& d = *listed;
    CAPTURE(d.name);
    CHECK(device_named(d.name)->name == d.name);
    for (std::string_view alias : d.aliases) {
      CHECK(device_named(alias)->name == d.name);
    }
    for (auto const* rates : {&d.peaks, &d.alternatives}) {
      for (auto const& rate : *rates) {
        if (rate) CHECK(!rate->source.empty());
      }
    }
  }
}
