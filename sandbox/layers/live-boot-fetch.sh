# Fetches the files of a live system that was started over a network, by HTTP or TFTP, and compares each with its SHA-256.
# live-boot calls this function for fetch=; this definition is read later and replaces its own.
# Source: live-boot, 9990-mount-http.sh, whose variables these are.
# in: /debate-files (lines of SHA-256, size and path), FETCH (where they are)

do_httpmount() {
    base=${FETCH%/}
    # Boot loaders know where their script is: URL/NAME/..
    case $base in
    */..) base=${base%/*} base=${base%/*} ;;
    esac
    case $base in
    http://?* | tftp://?*) ;;
    *) panic "fetch=$FETCH is no URL of HTTP or TFTP: set base in the boot loader to that of the directory, as its README says" ;;
    esac
    # busybox's %d has 32 bits.
    kibibytes=$(awk '{ bytes += $2 } END { printf "%.0f", bytes / 1024 }' /debate-files)
    free=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
    echo "Fetching $((kibibytes / 1024)) MiB from $base"
    # The rest is for the system.
    [ "$((kibibytes + 65536))" -lt "$free" ] ||
        panic "The images need $((kibibytes / 1024)) MiB of memory, and $((free / 1024)) MiB are free"
    mount -t tmpfs -o mode=0755,size=100% tmpfs "$mountpoint" || panic "No memory for the images"
    while read -r digest _ path <&9; do
        mkdir -p "$mountpoint/${path%/*}"
        try=1
        until _fetch "$base/$path" "$mountpoint/$path" && echo "$digest  $mountpoint/$path" | sha256sum -c > /dev/null; do
            [ "$try" -lt 5 ] || panic "$base/$path: could not be fetched, or has another SHA-256 than $digest"
            echo "$base/$path: try $try failed"
            sleep "$try"
            try=$((try + 1))
        done
    done 9< /debate-files
}

# Arguments: URL, file.
_fetch() {
    case $1 in
    tftp://*)
        server=${1#tftp://}
        tftp -g -b 1428 -r "${server#*/}" -l "$2" "${server%%/*}"
        ;;
    *) wget -q -T 60 -O "$2" "$1" ;;
    esac
}
