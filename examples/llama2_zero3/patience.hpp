// How long a rank waits for the others of its group, counted so that a stall of its own hardly uses it up.
//
// What lies between two looks counts half a second at most: a rank that looks more seldom was stopped itself (a virtual
// machine that moved, SIGSTOP, a machine that swaps), and then so, it may be, were all others. And ranks that answer
// while nothing has moved are alive, come late or held up by the network: they are waited for once more.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

namespace trainer {

// "120 s", "0.25 s": a time limit in a message.
inline std::string seconds_text(std::chrono::milliseconds time) {
  auto text = std::to_string(static_cast<double>(time.count()) / 1000);
  text.erase(text.find_last_not_of('0') + 1);
  return text.ends_with('.') ? text.substr(0, text.size() - 1) + " s" : text + " s";
}

// "rank 1, rank 3": those of `size` ranks for which `holds(rank)`; empty where there are none.
template <class Condition>
std::string ranks_that(int size, Condition const& holds) {
  std::string text;
  for (int rank = 0; rank < size; ++rank) {
    if (holds(rank)) text.append(text.empty() ? "rank " : ", rank ").append(std::to_string(rank));
  }
  return text;
}

class patience {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds most_between_looks{500};

  patience(std::chrono::milliseconds most, clock::time_point now) : most_(most), last_(now) {}

  // Looks, and says whether patience has ended.
  bool ends(clock::time_point now) {
    waited_ += std::min<clock::duration>(now - last_, most_between_looks);
    last_ = now;
    return waited_ >= most_;
  }

  // In what time to look, for who has nothing else to do.
  clock::duration next_look() const { return std::min<clock::duration>(most_ - waited_, most_between_looks / 5); }

  // Begins again from `now`, once; false when it has begun again before.
  bool again(clock::time_point now) {
    if (begun_again_) return false;
    *this = patience{most_, now};
    return begun_again_ = true;
  }

  // What is said when it has ended, of the ranks that did not answer (ranks_that).
  std::string reason(std::string const& missing) const {
    auto const time = seconds_text(begun_again_ ? 2 * most_ : most_);
    return missing.empty() ? "all ranks answer and yet nothing moved for " + time : missing + " did not come within " + time;
  }

 private:
  std::chrono::milliseconds most_;
  clock::duration waited_{};
  clock::time_point last_;
  bool begun_again_ = false;
};

}  // namespace trainer
