# The library's targets, all header-only, and their installation.
#
#   kunmetrics::kunmetrics   the light core; needs Boost.Hana
#   kunmetrics::views        views.hpp; needs range-v3 as well
#   kunmetrics::io           the readers and writers of io/; needs nlohmann-json as well
#   kunmetrics::torch        torch.hpp; needs libtorch as well: kunmetrics_torch.cmake
#   kunmetrics::mpi          mpi.hpp; needs an MPI as well
#   kunmetrics::prometheus   prometheus.hpp, a /metrics endpoint; needs io and prometheus-cpp as well
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

find_package(Boost 1.74 REQUIRED)
find_package(range-v3 QUIET)  # its own version file accepts no other than its own number
find_package(nlohmann_json 3.11 QUIET)
set(MPI_CXX_SKIP_MPICXX ON)  # MPI's C interface is what is used
find_package(MPI QUIET COMPONENTS CXX)
find_package(prometheus-cpp QUIET)

# kunmetrics_component(name HEADERS header... LINKS target...)
function(kunmetrics_component name)
  cmake_parse_arguments(PARSE_ARGV 1 part "" "" "HEADERS;LINKS")
  set(target kunmetrics_${name})
  if(name STREQUAL "kunmetrics")
    set(target kunmetrics)
  endif()
  add_library(${target} INTERFACE)
  add_library(kunmetrics::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
  target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${part_HEADERS})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_link_libraries(${target} INTERFACE ${part_LINKS})
  install(TARGETS ${target} EXPORT kunmetrics_${name}_targets FILE_SET HEADERS)
  install(EXPORT kunmetrics_${name}_targets NAMESPACE kunmetrics:: FILE kunmetrics-${name}.cmake
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kunmetrics)
endfunction()

file(GLOB core_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/kunmetrics/*.hpp
     ${PROJECT_SOURCE_DIR}/include/kunmetrics/devices/*.hpp
     ${PROJECT_SOURCE_DIR}/include/kunmetrics/models/*.hpp)
list(FILTER core_headers EXCLUDE REGEX "/(views|torch|mpi|prometheus)\\.hpp$")
list(APPEND core_headers ${PROJECT_SOURCE_DIR}/include/kunmetrics.hpp)
kunmetrics_component(kunmetrics HEADERS ${core_headers} LINKS Boost::headers)

if(range-v3_FOUND)
  kunmetrics_component(views HEADERS ${PROJECT_SOURCE_DIR}/include/kunmetrics/views.hpp
                       LINKS kunmetrics range-v3::range-v3)
endif()
if(nlohmann_json_FOUND)
  file(GLOB io_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/kunmetrics/io/*.hpp
       ${PROJECT_SOURCE_DIR}/include/kunmetrics/io/hf/*.hpp
       ${PROJECT_SOURCE_DIR}/include/kunmetrics/io/logs/*.hpp)
  kunmetrics_component(io HEADERS ${io_headers} LINKS kunmetrics nlohmann_json::nlohmann_json)
  if(TARGET prometheus-cpp::pull)
    kunmetrics_component(prometheus HEADERS ${PROJECT_SOURCE_DIR}/include/kunmetrics/prometheus.hpp
                         LINKS kunmetrics_io prometheus-cpp::pull)
  endif()
endif()
include(kunmetrics_torch)
if(MPI_CXX_FOUND)
  kunmetrics_component(mpi HEADERS ${PROJECT_SOURCE_DIR}/include/kunmetrics/mpi.hpp LINKS kunmetrics MPI::MPI_CXX)
endif()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/kunmetrics-config.cmake.in
                              ${PROJECT_BINARY_DIR}/kunmetrics-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kunmetrics)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/kunmetrics-config-version.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/kunmetrics-config.cmake ${PROJECT_BINARY_DIR}/kunmetrics-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kunmetrics)
