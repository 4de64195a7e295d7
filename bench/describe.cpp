// The program that tells about a cell without running it: size, right answer, bounds.
#include <algorithm>
#include <iostream>

#include "bounds.hpp"
#include "forecast.hpp"
#include "options.hpp"
#include "process.hpp"
#include "reference.hpp"
#include "report.hpp"
#include "workload_file.hpp"

#include <fstream>

namespace {

std::string forecast_of(bench::Options& options) {
  using namespace bench;
  try {
    const ForecastRequest request = read_forecast_request(options.forecast);
    return forecast_json(options.cell, load_workload(options), request);
  } catch (const std::invalid_argument& error) {
    throw UsageError(std::string("--forecast: ") + error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace bench;
  try {
    Options options = parse_options(argc, argv, Program::describe);
    if (!options.help.empty()) {
      std::cout << options.help;
      return 0;
    }
    if (options.list) {
      std::cout << presets_json() << '\n';
      return 0;
    }
    if (!options.forecast.empty()) {
      std::cout << forecast_of(options) << '\n';
      return 0;
    }
    const Workload workload = load_workload(options);
    if (!options.export_file.empty()) {
      std::ofstream file(options.export_file, std::ios::trunc);
      file << to_json(workload) << std::flush;
      if (!file) throw std::runtime_error("cannot write " + options.export_file);
      return 0;
    }
    const unsigned cpus = std::min(options.cell.workers, usable_cpus());
    pin_to_cpus(cpus);
    UnitCosts costs;
    costs.probe(workload, cpus);
    std::cout << description_json(options.cell, workload, reference(workload), costs, cpus) << '\n';
    return 0;
  } catch (const bench::UsageError& error) {
    std::cerr << "describe: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "describe: " << error.what() << '\n';
    return 1;
  }
}
