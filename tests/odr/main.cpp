#include "addresses.hpp"

#include <iostream>

addresses first_addresses();
addresses second_addresses();

int main() {
  int different = 0;
  for (std::size_t i = 0; i < address_names.size(); ++i) {
    if (first_addresses()[i] == second_addresses()[i]) continue;
    std::cerr << "odr: needed one " << address_names[i] << ", received two\n";
    ++different;
  }
  return different;
}
