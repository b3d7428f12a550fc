# A libtorch of the other ABI of std::string is refused at configure time, in words.
#   cmake -D SOURCE=... -D FOLDER=... -P abi_mismatch.cmake
file(REMOVE_RECURSE ${FOLDER})
file(WRITE ${FOLDER}/torch/TorchConfig.cmake "set(TORCH_CXX_FLAGS \"-D_GLIBCXX_USE_CXX11_ABI=@ABI@\")\nset(Torch_FOUND TRUE)\nadd_library(torch INTERFACE IMPORTED)\n")
file(READ ${FOLDER}/torch/TorchConfig.cmake text)
set(parts_off -DKUNMETRICS_BUILD_EXAMPLES=OFF -DKUNMETRICS_BUILD_TESTS=OFF -DKUNMETRICS_BUILD_BENCHMARKS=OFF)
foreach(abi 0 1)
  string(REPLACE "@ABI@" ${abi} config "${text}")
  file(WRITE ${FOLDER}/torch/TorchConfig.cmake "${config}")
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${FOLDER}/build_${abi} -DTorch_DIR=${FOLDER}/torch ${parts_off}
                  RESULT_VARIABLE failed_${abi} OUTPUT_VARIABLE out ERROR_VARIABLE said_${abi})
endforeach()
if(failed_1)
  message(FATAL_ERROR "the control, a libtorch of this ABI, was refused: ${said_1}")
endif()
string(REGEX REPLACE "[ \n]+" " " said "${said_0}")
if(NOT failed_0 OR NOT said MATCHES "needed one with the C\\+\\+11 ABI of std::string.*_GLIBCXX_USE_CXX11_ABI=0 in ${FOLDER}/torch")
  message(FATAL_ERROR "needed a refusal that names the ABI and the folder, received: ${failed_0} ${said}")
endif()
