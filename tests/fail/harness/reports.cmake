# must_not_compile.cmake fails on SOURCE and says what the file's `// harness: REGEX` line tells.
file(STRINGS ${SOURCE} said REGEX "^// harness: ")
string(REPLACE "// harness: " "" said "${said}")
execute_process(COMMAND ${CMAKE_COMMAND} -D FAMILY=${FAMILY} -D "COMPILE=${COMPILE}" -D SOURCE=${SOURCE}
                        -P ${CMAKE_CURRENT_LIST_DIR}/../../../cmake/must_not_compile.cmake
                RESULT_VARIABLE failed ERROR_VARIABLE output)
if(NOT failed OR NOT said OR NOT output MATCHES "${said}")
  message(FATAL_ERROR "The check of ${SOURCE} should have failed with '${said}'; it returned ${failed} and said:\n${output}")
endif()
