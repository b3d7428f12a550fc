# kunmetrics::torch, the adapter over libtorch 1.13 or newer. Optional: without libtorch nothing changes.
#   -DKUNMETRICS_TORCH=OFF leaves it out; -DTorch_DIR=.../share/cmake/Torch uses another libtorch than the system's
option(KUNMETRICS_TORCH "The adapter over libtorch, its tests and its example, where libtorch is found" ON)
if(NOT KUNMETRICS_TORCH)
  return()
endif()
find_package(Torch QUIET)
if(NOT Torch_FOUND)
  message(STATUS "kunmetrics::torch is left out: no libtorch was found")
  return()
endif()
# A mismatch would only show at link time, as a page of undefined references to std::string.
if(TORCH_CXX_FLAGS MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
  message(FATAL_ERROR "libtorch: needed one with the C++11 ABI of std::string, which this compiler's library has, "
                      "found one built with _GLIBCXX_USE_CXX11_ABI=0 in ${Torch_DIR}; give -DTorch_DIR=... of another, "
                      "or -DKUNMETRICS_TORCH=OFF")
endif()
file(GLOB torch_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/kunmetrics/torch/*.hpp)
kunmetrics_component(torch HEADERS ${PROJECT_SOURCE_DIR}/include/kunmetrics/torch.hpp ${torch_headers} LINKS kunmetrics torch)
# 20 s each alone, and each is included by a test
set_target_properties(kunmetrics_torch PROPERTIES VERIFY_INTERFACE_HEADER_SETS OFF)
if(TARGET torch_cuda)
  target_compile_definitions(kunmetrics_torch INTERFACE KUNMETRICS_TORCH_CUDA)
endif()
