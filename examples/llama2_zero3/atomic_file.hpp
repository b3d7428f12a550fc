// A file that appears whole or not at all.
// Bytes go to a temporary file in the target's own folder; commit() flushes it to the disk
// (fsync), renames it over the target and flushes the folder. Without commit() the destructor
// removes the temporary file and the target stays as it was.
#pragma once

#include "file_error.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace trainer {

class atomic_file {
 public:
  // Throws std::runtime_error when no file can be created in the target's folder.
  explicit atomic_file(std::filesystem::path target) : target_{std::move(target)} {
    if (!target_.has_filename())
      throw file_error(target_, 0, "the name of a file to write", in_quotes(target_.string()));
    std::error_code ignored;
    if (std::filesystem::is_directory(target_, ignored))
      throw file_error(target_, 0, "the name of a file to write", "a directory");
    do {  // a name left behind by a killed process with this process id is passed over
      temporary_ = temporary_beside(target_);
      descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0)
      throw file_error(target_, 0, "a folder to write in", system_message(errno));
  }

  atomic_file(atomic_file const&) = delete;
  atomic_file& operator=(atomic_file const&) = delete;
  ~atomic_file() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
  }

  // Appends the bytes; throws std::runtime_error with the offset when the disk refuses them.
  void append(std::span<std::byte const> bytes) {
    while (!bytes.empty()) {
      auto const written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw failure("room for " + std::to_string(bytes.size()) + " bytes");
      offset_ += static_cast<std::uint64_t>(written);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  void append(std::string_view text) { append(std::as_bytes(std::span{text})); }

  // Makes everything appended so far the content of the target; nothing may be appended after.
  void commit() {
    if (::fsync(descriptor_) != 0) throw failure("the disk to accept the content");
    if (std::rename(temporary_.c_str(), target_.c_str()) != 0)
      throw failure("the temporary file to be renamed to this name");
    ::close(std::exchange(descriptor_, -1));
    flush_folder();
  }

 private:
  // Process id and counter tell writers apart; the leading dot hides it from folder scans.
  static std::filesystem::path temporary_beside(std::filesystem::path const& target) {
    static std::atomic<unsigned> counter{0};
    std::string name{"."};
    name.append(target.filename().string()).append(".").append(std::to_string(::getpid()));
    name.append(".").append(std::to_string(counter++)).append(".part");
    return target.parent_path() / name;
  }

  std::runtime_error failure(std::string const& needed) const {
    return file_error(target_, offset_, needed, system_message(errno));
  }

  // Without this a power cut can lose the rename itself; some file systems refuse it, harmlessly.
  void flush_folder() const noexcept {
    auto const folder = target_.has_parent_path() ? target_.parent_path() : ".";
    int const descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    static_cast<void>(::fsync(descriptor));
    ::close(descriptor);
  }

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::uint64_t offset_ = 0;
};

}  // namespace trainer
