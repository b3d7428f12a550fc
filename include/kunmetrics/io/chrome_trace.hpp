// Steps and their phases as Chrome's trace event JSON, which Perfetto and chrome://tracing open.
//
//   {"displayTimeUnit": "ms", "otherData": {...}, "traceEvents": [
//     {"ph":"X","name":"step 3","cat":"step","pid":0,"tid":0,"ts":1500000,"dur":1250000,"args":{"tokens":49152,"loss":5.2}},
//     {"ph":"X","name":"forward","cat":"phase","pid":0,"tid":0,"ts":1500000,"dur":400000}, ... ]}
// ts and dur are in microseconds since the first step began; pauses before later steps are drawn too. A record
// holds each phase's whole time in its step, not when it came: phases of a step are drawn one behind the other in
// the order of their enum, and otherData says so. Loss and token/s are counters ("C"). A step's args are the record's own fields.
// Source: the Trace Event Format document of the Chromium project.
#pragma once

#include <kunmetrics/io/json_text.hpp>

#include <span>
#include <string>
#include <string_view>

namespace kunmetrics {

// Whose steps they are: a process of the trace is a job, a thread a rank.
struct trace_names {
  std::string_view process = "training";
  std::int64_t rank = 0;
};

namespace detail {
class chrome_trace_text {
 public:
  chrome_trace_text(std::string& out, trace_names names) : out_{out}, names_{names} {}

  void begin() {
    out_ +=
        "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"drawn\":\"phases of a step one behind the other: the records hold "
        "each phase's time in the step, not when it came\",\"args\":\"the record: time and phases in s, tokens of the whole job\"},\"traceEvents\":[\n";
    name_of_track("process_name", names_.process);
    out_ += ",\n";
    name_of_track("thread_name", "rank " + std::to_string(names_.rank));
  }
  void end() { out_ += "\n]}\n"; }

  template <typename Record>
  void add(Record const& record) {
    auto const length = record.time.coherent(), pause = record.paused.coherent();
    if (begun_ && pause > 0) {
      event('X', "paused", "pause", now_, pause);
      out_ += '}';
      now_ += pause;
    }
    begun_ = true;
    if (!(length > 0)) return;
    event('X', "step " + std::to_string(record.step.coherent()), "step", now_, length);
    out_ += ",\"args\":";
    append_json(out_, record);
    out_ += '}';
    auto at = now_;
    for (std::size_t p = 0; p < record.phases.size(); ++p) {
      auto const part = record.phases[p].coherent();
      if (!(part > 0)) continue;
      event('X', std::string{phase_names[p]}, "phase", at, part);
      out_ += '}';
      at += part;
    }
    if (record.loss) counter("loss", *record.loss);
    counter("token/s", record.skipped ? 0.0 : static_cast<double>(record.tokens.coherent()) / length);
    now_ += length;
  }

 private:
  void name_of_track(std::string_view what, std::string_view name) {
    out_.append("{\"ph\":\"M\",\"pid\":0,\"tid\":")
        .append(std::to_string(names_.rank))
        .append(",\"name\":\"")
        .append(what);
    out_ += "\",\"args\":{\"name\":";
    append_json_text(out_, name);
    out_ += "}}";
  }
  // Left open, for args.
  void event(char kind, std::string_view name, std::string_view category, double begin, double length) {
    out_.append(",\n{\"ph\":\"")
        .append(1, kind)
        .append("\",\"name\":\"")
        .append(name)
        .append("\",\"cat\":\"")
        .append(category);
    out_.append("\",\"pid\":0,\"tid\":").append(std::to_string(names_.rank)).append(",\"ts\":");
    append_microseconds(begin);
    if (kind == 'X') {
      out_ += ",\"dur\":";
      append_microseconds(length);
    }
  }
  void counter(std::string_view name, double value) {
    if (!std::isfinite(value)) return;
    event('C', name, "metric", now_, 0);
    out_.append(",\"args\":{\"").append(name).append("\":");
    append_number(out_, value);
    out_ += "}}";
  }
  // To the nanosecond; never with an exponent, which not every viewer reads.
  void append_microseconds(double seconds) {
    std::array<char, 352> digits;
    auto const end =
        std::to_chars(digits.data(), digits.data() + digits.size(), seconds * 1e6, std::chars_format::fixed, 3).ptr;
    out_.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
  }

  std::string& out_;
  trace_names names_;
  double now_ = 0;
  bool begun_ = false;
};
}  // namespace detail

// The whole trace in pieces of about 64 KiB, each given to write(std::string_view).
template <typename Record, typename Write>
void write_chrome_trace(std::span<Record const> records, trace_names names, Write&& write) {
  std::string out;
  detail::chrome_trace_text trace{out, names};
  trace.begin();
  for (auto const& record : records) {
    trace.add(record);
    if (out.size() < (std::size_t{1} << 16U)) continue;
    write(std::string_view{out});
    out.clear();
  }
  trace.end();
  write(std::string_view{out});
}

template <typename Record>
std::string chrome_trace(std::span<Record const> records, trace_names names = {}) {
  std::string whole;
  write_chrome_trace(records, names, [&](std::string_view piece) { whole += piece; });
  return whole;
}

}  // namespace kunmetrics
