// Where a translation unit finds the library's objects.
#pragma once

#include <array>
#include <string_view>

using addresses = std::array<void const*, 6>;
inline constexpr std::array<std::string_view, 6> address_names{
    "units::token", "mfu<palm>", "recompute_names", "unit_text", "models::llama2_7b", "devices::kunlunxin_r300"};
