// What tests about files share: a folder that vanishes, files made of given bytes, caught messages.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace trainer_test {

// A folder of its own for each object, removed with everything in it at the end.
class scratch_folder {
 public:
  scratch_folder() : path_{unused_path()} { std::filesystem::create_directories(path_); }
  scratch_folder(scratch_folder const&) = delete;
  scratch_folder& operator=(scratch_folder const&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  std::filesystem::path const& path() const { return path_; }

  // Files and folders directly inside, hidden ones too.
  std::size_t entries() const {
    auto const walk = std::filesystem::directory_iterator{path_};
    return static_cast<std::size_t>(std::distance(begin(walk), end(walk)));
  }

  // Makes the file and gives back its path.
  std::filesystem::path file(std::string_view name, std::string_view bytes) const {
    auto const path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary}.write(bytes.data(),
                                                static_cast<std::streamsize>(bytes.size()));
    return path;
  }

 private:
  static std::filesystem::path unused_path() {
    static std::atomic<unsigned> counter{0};
    auto const name = "trainer_test." + std::to_string(::getpid()) + "." +
                      std::to_string(counter++);
    return std::filesystem::temp_directory_path() / name;
  }

  std::filesystem::path path_;
};

// The whole content of a file; empty when there is none.
inline std::string content(std::filesystem::path const& path) {
  std::ifstream stream{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

// The message of what the function throws, "nothing thrown" when it returns.
template <class Function>
std::string message_of(Function&& function) {
  try {
    function();
  } catch (std::exception const& failure) {
    return failure.what();
  }
  return "nothing thrown";
}

}  // namespace trainer_test
