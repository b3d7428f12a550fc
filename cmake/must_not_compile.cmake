# SOURCE compiles as it stands, does not with -DMUST_FAIL, and the first error then matches each of its
# `// expect-gcc: REGEX` or `// expect-clang: REGEX` lines: one line has to say both sides.
#
#   cmake -D SOURCE=file.cpp -D FAMILY=gcc|clang -D COMPILE='compiler flag ...' -P must_not_compile.cmake
set(ENV{LC_ALL} C)  # g++ quotes in ASCII then
separate_arguments(COMPILE NATIVE_COMMAND "${COMPILE}")

execute_process(COMMAND ${COMPILE} -fsyntax-only ${SOURCE} RESULT_VARIABLE failed ERROR_VARIABLE output)
if(failed)
  message(FATAL_ERROR "The control does not compile: ${SOURCE}\n${output}")
endif()

execute_process(COMMAND ${COMPILE} -fsyntax-only -DMUST_FAIL ${SOURCE} RESULT_VARIABLE failed ERROR_VARIABLE output)
if(NOT failed)
  message(FATAL_ERROR "It compiles with MUST_FAIL: ${SOURCE}")
endif()
string(REGEX MATCH "[^\n]*error: [^\n]*" first_error "${output}")

file(STRINGS ${SOURCE} expectations REGEX "^// expect-${FAMILY}: ")
if(NOT expectations)
  message(FATAL_ERROR "Nothing is expected of ${FAMILY}: ${SOURCE}")
endif()
foreach(expectation IN LISTS expectations)
  string(REPLACE "// expect-${FAMILY}: " "" regex "${expectation}")
  if(NOT first_error MATCHES "${regex}")
    message(FATAL_ERROR "The first error does not match: ${SOURCE}\n  expected ${regex}\n  received ${first_error}\n${output}")
  endif()
endforeach()
