#!/bin/bash
# A module of dracut.
check() {
    return 0
}

install() {
    echo "from the hook" > "$initdir/etc/from-hook"
}
