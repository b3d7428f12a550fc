// kunmetrics: numbers of large-model training that carry their unit, convention and peak.
//
// The light umbrella: quantities, models and devices, calculators, the meter and its summary. Views
// over records (range-v3), readers and writers are headers of their own.
#pragma once

#include <kunmetrics/batch.hpp>
#include <kunmetrics/flops.hpp>
#include <kunmetrics/meter.hpp>
#include <kunmetrics/summary.hpp>
#include <kunmetrics/throughput.hpp>
#include <kunmetrics/utilization.hpp>
