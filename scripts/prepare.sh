# How a machine is made ready: install what is missing, find a Python, configure and build.
#
# Sourced by scripts/bench and scripts/test, which set $root to the checkout:
#   prepare_machine            compiler, build tools and libraries are there, or the script ends
#   prepare_python MODULES...  sets $PYTHON to an interpreter that imports them, or the script ends
#   prepare_clients PROGRAMS... other people's programs that talk with the endpoint or show the page
#                              of a result are there, or it is said that they are not
#   build PRESET [TARGETS...]  build/PRESET is configured and up to date, or the script ends;
#                              all targets, or those of the given ones that there are
# Nothing that is already there is replaced, upgraded or removed.

prepare_log=$root/build/log
installed_something=
python_modules='matplotlib rich fastjsonschema jinja2'
# The first python3 on PATH is not always the one that sees the system's packages.
python_places="python3 /usr/bin/python3 /usr/local/bin/python3 \
  python3.14 python3.13 python3.12 python3.11 python3.10"

give_up() {
  printf '%s\n' "$@" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }
has_package() { [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = 'install ok installed' ]; }

compiler() {
  local name
  for name in ${CXX-} c++ g++ clang++; do
    if has "$name"; then
      printf '%s' "$name"
      return 0
    fi
  done
  return 1
}

# What the compiler does not find: header, Debian package, name for people elsewhere.
# The preprocessor is asked, for it alone knows every place a library may have been put.
library_table() {
  cat <<'TABLE'
benchmark/benchmark.h   libbenchmark-dev   Google Benchmark
uv.h                    libuv1-dev         libuv
oneapi/tbb/flow_graph.h libtbb-dev         oneTBB (2021 or later)
boost/asio/awaitable.hpp boost             Boost headers (1.81 or later)
boost/fiber/all.hpp     boost-fiber        Boost.Fiber (the library, of the same Boost)
fmt/format.h            libfmt-dev         fmt
gtest/gtest.h           libgtest-dev       GoogleTest
gmock/gmock.h           libgmock-dev       GoogleMock
nlohmann/json.hpp       nlohmann-json3-dev nlohmann-json
CLI/CLI.hpp             libcli11-dev       CLI11
TABLE
}

# A library of Boost that has to be linked comes apart from the headers. A linker finds one that is
# not installed as a package as well.
linkable() { # name
  local cxx
  cxx=$(compiler) && printf 'int main() {}\n' |
    "$cxx" -x c++ - -l"$1" -o /dev/null 2>/dev/null
}

missing_libraries() {
  local cxx found=
  if cxx=$(compiler); then
    found=$(library_table | while read -r header package name; do
      printf '#if __has_include(<%s>)\nfound %s.\n#endif\n' "$header" "$package"
    done | { cat && printf '#%s\n' 'if __has_include(<boost/version.hpp>)' \
      'include <boost/version.hpp>' 'if BOOST_VERSION < 108100' 'define OLD' 'endif' 'else' \
      'define OLD' 'endif' 'ifndef OLD' && printf 'new_boost\n#endif\n'; } |
      "$cxx" -std=c++20 -x c++ -E -P - 2>/dev/null || true)
  fi
  library_table | while read -r header package name; do
    case $package in
      boost) case $found in *new_boost*) continue ;; esac ;;
      boost-fiber) ! linkable boost_fiber || continue ;;
      *) case $found in *"found $package."*) continue ;; esac ;;
    esac
    printf '%s|%s\n' "$package" "$name"
  done
}

missing_tools() {
  local cxx
  { cxx=$(compiler) && "$cxx" -std=c++20 -x c++ -E - </dev/null >/dev/null 2>&1; } ||
    printf 'g++|a C++20 compiler (GCC 12 or later, or clang)\n'
  has cmake || printf 'cmake|CMake (3.21 or later)\n'
  has ninja || printf 'ninja-build|Ninja\n'
  has pkg-config || has pkgconf || printf 'pkg-config|pkg-config\n'
}

# The packages of "package|name" lines that dpkg does not have.
packages_of() {
  local package name
  while IFS='|' read -r package name; do
    has_package "$package" || printf '%s\n' "$package"
  done
}

# Debian 12 carries two Boosts, and its default one is too old.
boost_package() {
  local candidate
  candidate=$(apt-cache policy libboost-dev 2>/dev/null | sed -n 's/^ *Candidate: //p')
  if dpkg --compare-versions "${candidate:-0}" ge 1.81; then
    printf 'libboost-dev'
  else
    candidate=$(apt-cache search --names-only '^libboost1\.[0-9]+-dev$' | sed 's/ .*//' | sort -V |
      sed -n '$p')
    dpkg --compare-versions "${candidate//[!0-9.]/}" ge 1.81 2>/dev/null || return 1
    printf '%s' "$candidate"
  fi
}

# Root installs; others through sudo, which may ask for a password only where someone can answer.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif [ -t 0 ]; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

# "boost" and "boost-fiber" stand for the packages of whichever Boost is new enough.
install_packages() { # names of Debian packages
  local log=$prepare_log/install.log package packages=() advice boost
  advice=" $* "
  advice=${advice/ boost / libboost1.81-dev }
  advice=${advice/ boost-fiber / libboost-fiber1.81-dev }
  advice="apt-get install --no-install-recommends${advice% }"
  if [ "$(id -u)" != 0 ] && ! has sudo; then
    give_up 'Some packages are missing, and installing them needs root. As root, run:' \
      "    apt-get update && $advice"
  fi
  make_log_folder
  printf 'Installing %d packages with apt: %s\n' $# "$*"
  if ! as_root apt-get -q -o DPkg::Lock::Timeout=300 update >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    give_up "apt-get update failed (above; in full: $log). Once it works, or as root:" "    $advice"
  fi
  for package in "$@"; do
    case $package in boost | boost-fiber)
      boost=$(boost_package) || give_up 'This release has no Boost 1.81 or later as a package.' \
        'Install it by hand (for example under /usr/local), then run this again.'
      package=${boost/libboost/lib$package}
      ;;
    esac
    packages+=("$package")
  done
  # --no-remove, --no-upgrade: what clashes with a package that is there is for its owner to solve.
  if ! as_root apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends \
    --no-remove --no-upgrade "${packages[@]}" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    give_up "Installing failed (above; in full: $log). As root, this shows what is in the way:" \
      "    apt-get install --no-install-recommends ${packages[*]}"
  fi
  installed_something=yes
  hash -r
}

prepare_machine() {
  local missing packages
  missing=$(missing_tools && missing_libraries)
  [ -n "$missing" ] || return 0
  if has apt-get && has dpkg-query; then
    packages=$(printf '%s\n' "$missing" | packages_of)
    # Python is asked for here as well, so that a fresh machine runs apt once, not twice.
    if ! find_python $python_modules pytest; then
      packages=$packages$'\n'$(python_packages | packages_of)
    fi
    [ -z "${packages//[[:space:]]/}" ] || install_packages $packages
    missing=$(missing_tools && missing_libraries)
    [ -n "$missing" ] || return 0
  fi
  printf 'These are missing, or not found by %s:\n' "$(compiler || printf 'any C++ compiler')" >&2
  printf '%s\n' "$missing" | sed 's/^.*|/  - /' >&2
  give_up "Install them with this system's package manager, then run this again."
}

# Selenium is no program: it is there where our Python imports it. Its package serves the system's
# Python alone, and is not asked for twice on behalf of another one.
has_client() { # name
  case $1 in
    selenium) "${PYTHON-python3}" -c 'import selenium' >/dev/null 2>&1 || has_package python3-selenium ;;
    *) has "$1" ;;
  esac
}

# Whoever has no use for them without a client says so: a missing one ends nothing here.
prepare_clients() { # names of programs
  local program missing= packages=
  for program in "$@"; do
    has_client "$program" && continue
    missing=$missing${missing:+, }$program
    case $program in
      node) packages="$packages nodejs" ;;
      chromedriver) packages="$packages chromium-driver" ;;
      selenium) packages="$packages python3-selenium" ;;
      *) packages="$packages $program" ;;
    esac
  done
  [ -n "$missing" ] || return 0
  if has apt-get && has dpkg-query && (install_packages $packages); then
    hash -r
  else
    printf 'Left out is what needs a program that is missing here: %s\n' "$missing"
  fi
}

# A checkout that cannot be written is said to be so once, before tools trip over it one by one.
make_log_folder() {
  mkdir -p "$prepare_log" 2>/dev/null && [ -w "$prepare_log" ] ||
    give_up "$root/build cannot be written: copy the checkout to where it can."
}

python_packages() {
  printf '%s|\n' python3 python3-matplotlib python3-munkres python3-rich \
    python3-fastjsonschema python3-jinja2 python3-pytest
}

find_python() { # modules; sets $PYTHON
  local candidate imports
  imports=$(printf ', %s' "$@")
  for candidate in ${INTERLEAVE_PYTHON-} $python_places; do
    if has "$candidate" && "$candidate" -c \
      "import sys$imports; sys.exit(sys.version_info < (3, 10))" >/dev/null 2>&1; then
      PYTHON=$candidate
      return 0
    fi
    [ "$candidate" != "${INTERLEAVE_PYTHON-}" ] ||
      give_up "INTERLEAVE_PYTHON is $candidate, which does not import $*:" \
        'install them there, or unset it.'
  done
  return 1
}

prepare_python() { # modules
  local packages
  find_python "$@" && return 0
  if has apt-get && has dpkg-query; then
    packages=$(python_packages | packages_of)
    [ -z "$packages" ] || install_packages $packages
    find_python "$@" && return 0
  fi
  give_up "No Python (3.10 or later) here imports all of: $*. Install them, for example with" \
    "    python3 -m venv .venv && .venv/bin/pip install -r $root/scripts/requirements.txt" \
    "then run this again with INTERLEAVE_PYTHON=.venv/bin/python3 before the command."
}

# Ninja's lines on standard input, as one line that counts up; silent when nothing is to do.
show_progress() { # preset
  local line shown= live=
  [ ! -t 1 ] || live=yes
  while IFS= read -r line; do
    case $line in
      '['*'] '*)
        [ -n "$shown" ] || [ -n "$live" ] || printf 'Building %s\n' "$1"
        shown=yes
        [ -z "$live" ] || printf '\rBuilding %s %s ' "$1" "${line%%]*}]"
        ;;
    esac
  done
  [ -z "$live" ] || [ -z "$shown" ] || printf '\n'
  return 0
}

build() { # preset, as in CMakePresets.json; then targets
  local preset=$1 log=$prepare_log/$1.log target targets=()
  shift
  make_log_folder
  # Two builds in one folder would trip over each other; the second waits, then has nothing to do.
  exec 9>"$prepare_log/lock"
  if has flock && ! flock -n 9; then
    printf 'Waiting for another build in this checkout\n'
    flock 9
  fi
  # Ninja runs CMake again by itself when a CMake file changed, but not when a library arrived.
  if [ ! -f "$root/build/$preset/build.ninja" ] || [ -n "$installed_something" ]; then
    printf 'Configuring %s\n' "$preset"
    if ! (cd -- "$root" && cmake --preset "$preset") >"$log" 2>&1; then
      tail -n 40 "$log" >&2
      give_up "Configuring $preset failed (above; in full: $log)."
    fi
    sed -n 's/^-- \(skipping.*\)/\1/Ip' "$log"
  fi
  if [ $# -gt 0 ]; then
    # A model whose library is missing has no target, and CMake's files may have changed.
    (cd -- "$root" && cmake --build --preset "$preset" --target build.ninja) >"$log" 2>&1 || {
      tail -n 40 "$log" >&2
      give_up "Configuring $preset failed (above; in full: $log)."
    }
    for target in "$@"; do
      if grep -q "^build $target: " "$root/build/$preset/build.ninja"; then
        targets+=("$target")
      fi
    done
    if [ ${#targets[@]} = 0 ]; then
      exec 9>&-
      return 0
    fi
    set -- --target "${targets[@]}"
  fi
  if ! (cd -- "$root" && cmake --build --preset "$preset" "$@") 2>&1 | tee "$log" |
    show_progress "$preset"; then
    grep -n -m 1 -A 40 -E '^FAILED|error:' "$log" >&2 || tail -n 40 "$log" >&2
    give_up "Building $preset failed (above; in full: $log)."
  fi
  exec 9>&-
}
