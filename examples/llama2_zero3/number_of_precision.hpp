// From a run's precision, known when it starts, to the type its numbers are stored and sent as.
#pragma once

#include "operators/mixed_product.hpp"
#include "operators/number_formats.hpp"

#include <kunmetrics/devices.hpp>
#include <kunmetrics/error.hpp>

#include <string>

namespace trainer {

// body.operator()<Number>() for the Number of fp32, bf16 or fp16; throws precondition_error for another.
template <class Body>
decltype(auto) with_number_of(kunmetrics::precision precision, Body&& body) {
  if (precision == kunmetrics::fp32) return body.template operator()<float>();
  if (precision == kunmetrics::bf16) return body.template operator()<bfloat16>();
  if (precision == kunmetrics::fp16) return body.template operator()<float16>();
  kunmetrics::broken_precondition("with_number_of", "fp32, bf16 or fp16", name_of(precision));
}

// What this processor's matrix products of a run at that precision are computed in.
inline kunmetrics::precision precision_of_products(kunmetrics::precision precision) {
  return precision == kunmetrics::bf16 && has_native_bfloat16_product() ? kunmetrics::bf16 : kunmetrics::fp32;
}

}  // namespace trainer
