// What kunmetrics adds to a libtorch program: parameters counted from its modules, FLOP counted as they run,
// MFU and HFU of both, the device's clock, memory and name. Target kunmetrics::torch; nothing else needs
// libtorch. process_group.hpp, which needs c10d, is a header of its own.
#pragma once

#include <kunmetrics/torch/allocation_counter.hpp>
#include <kunmetrics/torch/counted_work.hpp>
#include <kunmetrics/torch/flop_counter.hpp>
#include <kunmetrics/torch/module_parameters.hpp>
#include <kunmetrics/torch/torch_device.hpp>
