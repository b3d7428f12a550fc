// How long a rank waits for the others of its group, counted so that a stall of its own hardly uses it up.
//
// What lies between two looks counts half a second at most: a rank that looks more seldom was stopped itself (a virtual
// machine that moved, SIGSTOP, a machine that swaps), and then so, it may be, were all others. And ranks that answer
// while nothing has moved are alive, come late or held up by the network: they are waited for once more.
#pragma once

#include <algorithm>
#include <chrono>

namespace trainer {

class patience {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds most_between_looks{500};

  patience(clock::duration most, clock::time_point now) : most_(most), last_(now) {}

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

 private:
  clock::duration most_, waited_{};
  clock::time_point last_;
  bool begun_again_ = false;
};

}  // namespace trainer
