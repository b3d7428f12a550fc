// A disk of its own, of as many kilobytes as named: a real one that is full when it is full.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include <sys/mount.h>

namespace trainer_test {

class small_disk {
 public:
  // Mounted at `folder`, which is made; not mounted where that is not allowed.
  small_disk(std::filesystem::path folder, int kilobytes) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    auto const size = "size=" + std::to_string(kilobytes) + "k";
    mounted_ = ::mount("none", folder_.c_str(), "tmpfs", 0, size.c_str()) == 0;
  }
  ~small_disk() {
    if (mounted_) ::umount(folder_.c_str());
  }
  small_disk(small_disk const&) = delete;
  small_disk& operator=(small_disk const&) = delete;

  explicit operator bool() const { return mounted_; }

 private:
  std::filesystem::path folder_;
  bool mounted_ = false;
};

}  // namespace trainer_test
