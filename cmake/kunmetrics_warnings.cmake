# Our own code compiles without a warning; whoever uses the library is not held to that. Of compilers that are not
# tried here, a warning is not an error: g++ 14 has false ones in the trainer's conversions and in libtorch's headers.
set(tried OFF)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13
   OR CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 20)
  set(tried ON)
endif()
option(KUNMETRICS_WARNINGS_ARE_ERRORS "A warning in our own code ends the build" ${tried})

add_library(kunmetrics_warnings INTERFACE)
target_compile_options(kunmetrics_warnings INTERFACE
  -Wall -Wextra -Wpedantic $<$<BOOL:${KUNMETRICS_WARNINGS_ARE_ERRORS}>:-Werror> -Wconversion -Wsign-conversion -Wshadow
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wunused
  # g++ wants every member of a designated initialiser named; leaving out defaults is the point of one
  -Wno-missing-field-initializers
  # clang sees a deprecated function in stable_sort of libstdc++ 12
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
