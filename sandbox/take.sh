#!/bin/sh
# Takes the kernel and the initramfs that initrd.sh left, and what it tells. Hooks of packages could replace them.
# out: kernel, initrd, warnings
set -eu
. /run/step/problem.sh
for name in kernel initrd warnings; do
    if [ ! -f "/run/left/$name" ] || [ -L "/run/left/$name" ]; then
        problem packages "" "a hook of a package replaced the $name by something that is no file" "leave that package out"
    fi
    stop_on_problems
    cp "/run/left/$name" "/run/out/$name"
done
