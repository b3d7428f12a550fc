// Large pages for large memory, where the system gives them to who asks: fewer misses of address translation.
//
// Linux, transparent_hugepage "madvise" or "always": whole 2 MiB pages inside the block become one page each.
// Elsewhere, or for small blocks, nothing happens; no number depends on it.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace trainer {

/// Asks for large pages for a block just allocated and not yet written to.
inline void prefer_large_pages([[maybe_unused]] void* block, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr std::uintptr_t large = std::uintptr_t{2} << 20U;
  auto const first = (reinterpret_cast<std::uintptr_t>(block) + large - 1) / large * large;
  auto const end = (reinterpret_cast<std::uintptr_t>(block) + bytes) / large * large;
  if (end > first) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);  // a wish: no error to tell
#endif
}

}  // namespace trainer
