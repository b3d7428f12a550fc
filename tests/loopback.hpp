// What tests of servers share: a free port, one HTTP GET, and a program that runs until its object goes.
#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace loopback {

inline ::sockaddr_in at_port(int port) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  address.sin_port = ::htons(static_cast<std::uint16_t>(port));
  return address;
}

// Nobody listens on it now; nothing keeps it free.
inline int free_port() {
  int const probe = ::socket(AF_INET, SOCK_STREAM, 0);
  auto address = at_port(0);
  ::socklen_t size = sizeof address;
  // the sockets interface takes every address family through one pointer type
  auto* const general = reinterpret_cast<::sockaddr*>(&address);
  bool const bound = ::bind(probe, general, size) == 0 && ::getsockname(probe, general, &size) == 0;
  ::close(probe);
  return bound ? ::ntohs(address.sin_port) : -1;
}

// The body of the answer; empty when nobody answers with 200 within five seconds.
inline std::optional<std::string> http_get(int port, std::string const& path) {
  int const connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::timeval const patience{5, 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  auto address = at_port(port);
  std::string answer;
  if (::connect(connection, reinterpret_cast<::sockaddr*>(&address), sizeof address) == 0) {
    auto const request = "GET " + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    static_cast<void>(::send(connection, request.data(), request.size(), MSG_NOSIGNAL));
    char block[4096];
    for (::ssize_t got; (got = ::recv(connection, block, sizeof block, 0)) > 0;)
      answer.append(block, static_cast<std::size_t>(got));
  }
  ::close(connection);
  auto const body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.") || answer.substr(8, 5) != " 200 " || body == std::string::npos)
    return std::nullopt;
  return answer.substr(body + 4);
}

// Ended with SIGTERM, and waited for. Its output goes to the file `log`.
class running_program {
 public:
  running_program(std::vector<std::string> command, std::string const& log) {
    std::vector<char*> arguments;
    for (auto& each : command) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    process_ = ::fork();
    if (process_ != 0) return;
    int const out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  running_program(running_program const&) = delete;
  running_program& operator=(running_program const&) = delete;
  ~running_program() {
    if (process_ > 0) static_cast<void>(ended(SIGTERM));
  }

  ::pid_t process() const { return process_; }

  // Sends the signal, 0 for none, and waits; the exit status, or minus the signal that ended it.
  int ended(int signal) {
    if (signal != 0) ::kill(process_, signal);
    int status = 0;
    ::waitpid(std::exchange(process_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  ::pid_t process_ = -1;
};

}  // namespace loopback
