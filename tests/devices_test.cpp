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
    for (auto const* list : {&d.peaks[0], &d.peaks[1], &d.peaks[2], &d.peaks[3]}) {
      if (*list) CHECK(!(*list)->source.empty());
    }
    CHECK(d.memory > 0 * byte / processor);
  }
}
