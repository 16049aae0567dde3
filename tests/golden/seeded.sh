#!/bin/sh
# Makes the seeded full-size model that the full cases compare with, once for all presets. A machine
# with too little disk (5 GB) or memory (6 GB) goes without: the cases then say that they skip.
set -eu
program=$1 dir=$2
mkdir -p "$dir"
free_kb=$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')
memory_kb=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo 2>/dev/null || echo 8000000)
if [ ! -f "$dir/s3gen_meanflow.safetensors" ] && [ "$free_kb" -lt 5000000 ]; then
    echo "only $free_kb kB of disk: no seeded model"
    exit 0
fi
if [ "$memory_kb" -lt 6000000 ]; then
    echo "only $memory_kb kB of memory: no seeded model"
    exit 0
fi
"$program" "$dir"
"$program" "$dir/nano" --only t3_nano_v1
