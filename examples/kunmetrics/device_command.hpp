// kunmetrics device [NAME]: the peaks of a device with their sources, or the list of all devices.
#pragma once

#include "command.hpp"

#include <string>
#include <utility>
#include <vector>

namespace tool {

struct device_command {
  std::string name;

  void add_to(CLI::App& app) { app.add_option("NAME", name, "a device's name or alias; left out: all of them"); }

  void run(bool as_json) const {
    if (name.empty()) return list(as_json);
    auto const known = device_of("NAME", name);
    if (as_json) {
      print(json_of(known));
    } else {
      std::cout << table_of(known);
    }
  }

 private:
  static constexpr auto tera = km::units::teraflop / (km::units::processor * km::units::second);
  static constexpr auto giga = km::units::GB / (km::units::processor * km::units::second);

  static void list(bool as_json) {
    if (as_json) {
      km::json all{{"devices", km::json::array()}};
      for (km::device const* each : km::devices::all) all["devices"].push_back(each->name);
      return print(all);
    }
    std::vector<km::table_row<5>> rows{{"device", "is", "fp16 or bf16 (TFLOP/s)", "memory (GiB)", "bandwidth (GB/s)"}};
    for (km::device const* each : km::devices::all) {
      auto const half = km::peak(*each, km::bf16) ? km::peak(*each, km::bf16) : km::peak(*each, km::fp16);
      rows.push_back({std::string{each->name}, std::string{each->is},
                      half ? km::significant(half->rate.in(tera), 4) : "-",
                      known_number(each->memory.in(km::units::GiB / km::units::processor)),
                      known_number(each->memory_bandwidth.in(giga))});
    }
    std::cout << km::markdown_table(rows)
              << "\nDense rates of one processor; kunmetrics device NAME gives all, with sources.\n";
  }

  static std::string known_number(double value) { return value > 0 ? km::significant(value, 4) : "-"; }

  static km::json rates(std::array<std::optional<km::peak_rate>, 8> const& all) {
    auto array = km::json::array();
    for (auto const& rate : all) {
      if (!rate) continue;
      km::json entry{{"precision", name_of(rate->at)},
                     {"flop_per_second", flop_json(rate->rate.coherent())},
                     {"source", rate->source}};
      if (rate->accumulated_in) entry["accumulated_in"] = name_of(*rate->accumulated_in);
      array.push_back(std::move(entry));
    }
    return array;
  }

  // Every source's own statement, whole: what is used first.
  static km::json statements(km::device const& d) {
    auto array = km::json::array();
    for (km::published const& each : d.published_by) {
      km::json stated{{"standing", name_of(each.as)},
                      {"origin", name_of(each.origin)},
                      {"source", each.source},
                      {"remark", each.remark}};
      for (km::printed_rate const& rate : each.rates) {
        if (rate.tera > 0) {
          stated["flop_per_second"][std::string{name_of(rate.at)}] = flop_json(km::peak_of(each, rate).rate.coherent());
        }
      }
      stated["memory_bytes"] = each.memory.coherent() > 0 ? km::json(each.memory.coherent()) : km::json(nullptr);
      stated["memory_type"] = each.memory_type;
      stated["memory_bandwidth_bytes_per_second"] = known_json(each.memory_bandwidth.coherent());
      stated["link_type"] = each.link_type;
      stated["link_bandwidth_bytes_per_second"] = known_json(each.link_bandwidth.coherent());
      array.push_back(std::move(stated));
    }
    return array;
  }

  static km::json known_json(double value) { return value > 0 ? km::json(value) : km::json(nullptr); }

  static km::json json_of(km::device const& d) {
    km::json object{{"name", d.name}, {"is", d.is}, {"peaks", rates(d.peaks)}, {"alternatives", rates(d.alternatives)}};
    object["memory_bytes"] = d.memory.coherent() > 0 ? km::json(d.memory.coherent()) : km::json(nullptr);
    object["memory_bandwidth_bytes_per_second"] = known_json(d.memory_bandwidth.coherent());
    object["link_bandwidth_bytes_per_second"] = known_json(d.link_bandwidth.coherent());
    object["power_watts"] = d.power ? km::json(d.power->coherent()) : km::json(nullptr);
    object["published"] = statements(d);
    object["aliases"] = km::json::array();
    for (std::string_view alias : d.aliases) object["aliases"].push_back(alias);
    return object;
  }

  // Why the values that are used are.
  static std::string remark_of(km::device const& d) {
    auto const& first = d.published_by.front();
    return first.as != km::standing::used || first.remark.empty() ? "" : "\n" + std::string{first.remark} + "\n";
  }

  static std::string table_of(km::device const& d) {
    std::vector<km::table_row<4>> rows{{"precision", "TFLOP/s", "", "source"}};
    auto const add = [&](auto const& rates, std::string_view use) {
      for (auto const& rate : rates) {
        if (!rate) continue;
        auto source = std::string{rate->source};
        if (use != "used" && !rate->remark.empty()) source += "; " + std::string{rate->remark};
        rows.push_back({std::string{name_of(rate->at)}, km::significant(rate->rate.in(tera), 4), std::string{use},
                        std::move(source)});
      }
    };
    add(d.peaks, "used");
    add(d.alternatives, "not used");
    return std::string{d.name} + ", by the " + std::string{d.is} + ": memory " +
           known_number(d.memory.in(km::units::GiB / km::units::processor)) + " GiB at " +
           known_number(d.memory_bandwidth.in(giga)) + " GB/s, links " + known_number(d.link_bandwidth.in(giga)) +
           " GB/s in both directions\n\n" + km::markdown_table(rows) + remark_of(d);
  }
};

}  // namespace tool
