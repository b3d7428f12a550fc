#!/usr/bin/env bash
# Makes kjv.model and kjv.npy again from Debian's bible-kjv package: one document per chapter,
# without verse numbers, a 4096-piece tokenizer trained on them. README.md has the results.
#   prepare.sh [FOLDER]          FOLDER gets both files; default: the folder of this script
#   PREPARE_TOKENS=PROGRAM       default: build/bin/prepare_tokens of this project
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
program=${PREPARE_TOKENS:-$here/../../../build/bin/prepare_tokens}
vocabulary=4096

[ -x "$program" ] || {
  echo "prepare.sh: $program: needed the built program, received no such file" >&2
  exit 2
}

if ! command -v bible > /dev/null; then
  echo "installing bible-kjv"
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq bible-kjv > /dev/null
fi

chapters=$(mktemp -d)
trap 'rm -rf "$chapters"' EXIT

# `bible -f` prints a verse a line: "Ge1:1 In the beginning ..."; book and chapter name the file
bible -f 'Gen1:1-Rev22:21' < /dev/null | awk -v folder="$chapters" '
  !match($0, /^[0-9]?[A-Za-z]+[0-9]+:[0-9]+ /) {
    print "prepare.sh: line " NR ": needed a verse, received " $0 > "/dev/stderr"
    exit 2
  }
  {
    verse = substr($0, RLENGTH + 1)
    place = substr($0, 1, RLENGTH)
    match(place, /[0-9]+:/)
    name = substr(place, 1, RSTART - 1)
    number = substr(place, RSTART, RLENGTH - 1)
    if (name != book) { book = name; ++books; chapter = "" }
    if (number != chapter) {
      if (file) { printf "\n" > file; close(file) }
      chapter = number
      file = sprintf("%s/%02d-%s-%03d.txt", folder, books, book, chapter)
      printf "%s", verse > file
    } else {
      printf " %s", verse > file
    }
  }
  END { if (file) printf "\n" > file }'

count=$(find "$chapters" -type f | wc -l)
[ "$count" = 1189 ] || {
  echo "prepare.sh: bible-kjv: needed 1189 chapters, received $count" >&2
  exit 2
}

"$program" --text "$chapters" --train-tokenizer "$vocabulary" --model-prefix "$out/kjv" \
  --out "$out/kjv.npy" --dtype uint16
sha256sum "$out/kjv.model" "$out/kjv.npy"
