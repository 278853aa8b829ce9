#!/bin/sh
# Kills "bge mine pairs" with SIGKILL until it has been killed $1 times (50), each time at a moment drawn from the whole length of an undisturbed run and going
# on with the same command, then compares the result with that of the undisturbed run. Give the arguments of a run after the number, without --out:
#   bench/kill-mining.sh 50 --input samples/documents/laws.jsonl.gz --fields title=law+chapter text=body group=law
set -eu
times=${1:-50}; shift || true
root=$(cd "$(dirname "$0")/.." && pwd)
bge=${BGE:-$root/bge}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
began=$(date +%s.%N)
"$bge" mine pairs "$@" --out "$out/whole.jsonl" >/dev/null
length=$(awk -v from="$began" -v to="$(date +%s.%N)" 'BEGIN { print to - from }')
killed=0; round=0
while [ "$killed" -lt "$times" ]; do
  round=$((round + 1))
  while :; do
    "$bge" mine pairs "$@" --out "$out/$round.jsonl" >>"$out/said" & pid=$!
    sleep "$(awk -v s="$(date +%N)" -v most="$length" 'BEGIN { srand(s); print rand() * most }')"
    if kill -9 "$pid" 2>/dev/null; then killed=$((killed + 1)); fi
    if wait "$pid" 2>/dev/null; then break; fi
    if [ -f "$out/$round.jsonl" ] && [ ! -d "$out/$round.jsonl.work" ]; then break; fi
    if [ "$killed" -ge "$times" ]; then "$bge" mine pairs "$@" --out "$out/$round.jsonl" >>"$out/said"; break; fi
  done
  cmp "$out/whole.jsonl" "$out/$round.jsonl"
done
echo "killed $killed times in $round runs of about $length s, went on from a checkpoint $(grep -c "^going on" "$out/said" || true) times: every result is the same as undisturbed"
