// Every component: the records of two steps summed by a view and written as JSON.
#include <kunmetrics.hpp>
#include <kunmetrics/io/json_lines.hpp>
#include <kunmetrics/views.hpp>

#include <iostream>
#include <vector>

int main() {
  namespace km = kunmetrics;
  using namespace km::units;
  std::vector<km::step_record> const records{{.step = 1 * step, .time = 2.0 * second, .tokens = 100 * token, .warm_up = true},
                                             {.step = 2 * step, .time = 1.0 * second, .tokens = 100 * token}};
  std::cout << km::json_line(records.back());
  return km::sums(records | km::drop_warmup).tokens == 100 * token ? 0 : 1;
}
