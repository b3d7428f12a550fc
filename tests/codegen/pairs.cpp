// Pairs of functions, raw_NAME over plain numbers and typed_NAME over quantities: the same machine code.
//
// What the types add happens in the compiler. Compared is the arithmetic of each calculator; its
// preconditions (a positive time, a known peak) are comparisons that a careful loop over doubles has too.
// Counts are checked for overflow, on both sides. compare.cmake compares the two, instruction by instruction.
#include <kunmetrics.hpp>

namespace km = kunmetrics;
using namespace km::units;

using tokens = km::quantity_of<token>;
using token_count = km::count_of<token>;
using seconds = km::quantity_of<second>;
using world = km::quantity_of<processor>;

extern "C" {
double raw_throughput(double t, double s) { return t / s; }
km::throughput_t typed_throughput(tokens t, seconds s) { return t / s; }

double raw_rate(double t, double s, double p) { return t / s / p; }
km::token_rate_t typed_rate(tokens t, seconds s, world p) { return t / s / p; }

double raw_utilization(double rate, double work, double peak) { return rate * work / peak; }
km::quantity_of<one> typed_utilization(km::token_rate_t rate, km::quantity_of<flop / token> work, km::flop_rate peak) {
  return rate * work / peak;
}

double raw_mfu(double t, double s, double p, double work, double peak) { return t / s / p * work / peak; }
km::quantity_of<one> typed_mfu(tokens t, seconds s, world p, km::quantity_of<flop / token> work, km::flop_rate peak) {
  return t / s / p * work / peak;
}

double raw_hfu(double rate, double work, double layers, double peak) { return rate * (work + layers / 3.0) / peak; }
km::quantity_of<one> typed_hfu(km::token_rate_t rate, km::quantity_of<flop / token> work,
                               km::quantity_of<flop / token> layers, km::flop_rate peak) {
  return rate * (work + layers / 3.0) / peak;
}

double raw_energy_per_token(double joules, double t) { return joules / t; }
km::energy_per_token_t typed_energy_per_token(km::quantity_of<joule> energy, tokens t) { return energy / t; }

double raw_time_left(double steps, double time, double of) { return steps * (time / of); }
seconds typed_time_left(km::quantity_of<step> left, seconds time, km::quantity_of<step> of) { return left * (time / of); }

// a loop, which vectorises on both sides or on neither
void raw_rates(double* __restrict out, double const* t, double const* s, double p) {
  for (int i = 0; i < 1024; ++i) out[i] = t[i] / s[i] / p;
}
void typed_rates(km::token_rate_t* __restrict out, tokens const* t, seconds const* s, world p) {
  for (int i = 0; i < 1024; ++i) out[i] = t[i] / s[i] / p;
}

// counts are exact: the check for overflow is on both sides
std::int64_t raw_tokens_per_step(std::int64_t batch, std::int64_t length) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(batch, length, &product)) km::detail::overflow(" * ", batch, length);
  return product;
}
km::tokens_per_step_t typed_tokens_per_step(km::global_batch_size_t batch, km::sequence_length_t length) {
  return km::tokens_per_step(batch, length);
}

// a unit with a scale is one multiplication and division by constants, or nothing where it is coherent
double raw_in_hours(double s) { return s * 1.0 / 3600.0; }
double typed_in_hours(seconds s) { return s.in(hour); }
double raw_in_seconds(double s) { return s; }
double typed_in_seconds(seconds s) { return s.in(second); }

#ifdef MUST_DIFFER  // the comparison is able to fail
double raw_different(double t, double s) { return t / s; }
km::throughput_t typed_different(tokens t, seconds s) { return t / (s + s); }
#endif
}
