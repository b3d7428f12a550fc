# Sourced by the run.sh scripts: system packages, then a configured and built tree in build/.
#   installed PACKAGE...       installs what is missing with apt-get, and says what
#   optional PACKAGE...        the same where it can be; what needs a missing one is left out and says so
#   unpacked PACKAGE...        their files under build/packages: programs and libraries for tests, of which the system
#                              is not to have a service started or another default
#   built "OPTION..." TARGET.. configures build/ with the options and builds the targets
# Debian 12 or newer, Ubuntu 24.04 or newer; elsewhere the list of packages is printed.

compiler_packages=(g++ cmake ninja-build libboost-dev librange-v3-dev nlohmann-json3-dev)
trainer_packages=(libdnnl-dev libcli11-dev libsentencepiece-dev)
mpi_packages=(libopenmpi-dev openmpi-bin)  # for ranks that are processes; the trainer builds without

installed() {
  local missing=() package
  for package in "$@"; do
    # a purged package may still be known to dpkg: only "installed" counts
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  if ! command -v apt-get > /dev/null; then
    echo "$0: needed the packages ${missing[*]} (Debian's names), and found no apt-get to install them" >&2
    exit 2
  fi
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || { echo "$0: needed root or sudo to install ${missing[*]}" >&2; exit 2; }
    as_root=(sudo)
  fi
  echo "installing ${missing[*]}" >&2
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
}

optional() {
  local package
  for package in "$@"; do
    (installed "$package") || echo "without $package: what needs it is left out" >&2
  done
}

unpacked() {
  local package
  for package in "$@"; do
    { command -v "$package" > /dev/null || [ -e "build/packages/$package" ]; } && continue
    mkdir -p build/packages
    (cd build/packages && apt-get download -qq "$package" && dpkg -x "$package"_*.deb . && rm "$package"_*.deb && touch "$package") \
      > /dev/null 2>&1 || echo "without $package: what needs it is left out" >&2
  done
}

built() {
  local options=$1 log=build/configure.log
  shift
  mkdir -p build
  # shellcheck disable=SC2086  # the options are words
  cmake -S . -B build -G Ninja $options > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
  cmake --build build --target "$@" >&2
}
