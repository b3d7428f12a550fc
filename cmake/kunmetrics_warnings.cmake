# Our own code compiles without a warning; whoever uses the library is not held to that.
add_library(kunmetrics_warnings INTERFACE)
target_compile_options(kunmetrics_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wunused
  # g++ wants every member of a designated initialiser named; leaving out defaults is the point of one
  -Wno-missing-field-initializers)
