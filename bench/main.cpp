// Where a program starts.  A model in another language starts by itself, and calls the rest.
#include "program.hpp"

int main(int argc, char** argv) { return bench::run_program(argc, argv); }
