// kunmetrics: numbers of large-model training that carry their unit, convention and peak.
//
// The light umbrella: quantities, models and devices, calculators, the meter and its summary. The audit of a
// run's claims, views over records (range-v3), readers and writers are headers of their own.
#pragma once

#include <kunmetrics/batch.hpp>
#include <kunmetrics/communication.hpp>
#include <kunmetrics/conventions.hpp>
#include <kunmetrics/energy.hpp>
#include <kunmetrics/fine_tuning.hpp>
#include <kunmetrics/flops.hpp>
#include <kunmetrics/memory.hpp>
#include <kunmetrics/meter.hpp>
#include <kunmetrics/mixed_precision.hpp>
#include <kunmetrics/multi_token_prediction.hpp>
#include <kunmetrics/packed.hpp>
#include <kunmetrics/projection.hpp>
#include <kunmetrics/summary.hpp>
#include <kunmetrics/throughput.hpp>
#include <kunmetrics/time_left.hpp>
#include <kunmetrics/utilization.hpp>
