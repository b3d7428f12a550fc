#include "addresses.hpp"
#include "every_header.hpp"

addresses second_addresses() {
  namespace km = kunmetrics;
  return {&km::units::token, &km::mfu<km::flops::palm>, &km::recompute_names, &km::unit_text<km::dimensionless>,
          &km::models::llama2_7b, &km::devices::kunlunxin_r300};
}
