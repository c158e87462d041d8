# Sourced, after apt.sh, for functions on the signed indexes that apt has.

# `sources ARCHIVES`: prints what is in sources.list, as lines of ARCHIVE ADDRESS/ SUITE COMPONENT…, with the addresses as apt
# tells them: decoded once, and without a password. ARCHIVES has the archive of each line of sources.list.
sources() {
    paste -d ' ' "$1" "$apt/etc/sources.list" |
        sed -E 's,^([^ ]+) deb \[[^]]*\] ([^ ]*[^ /])/* ,\1 \2/ ,; s,%25,%,g; s,://[^/@]*@,://,'
}

# `targets [OPTION …]`: prints the files Packages that apt knows, as lines of ARCHIVE SUITE FILE PLACE. PLACE is relative to the
# directory of the suite. Needs $apt/sources.
targets() {
    apt-get indextargets "$@" --format '$(REPO_URI) $(RELEASE) $(FILENAME) $(METAKEY)' 'Created-By: Packages' | awk '
        { sub(/:\/\/[^\/@]*@/, "://") } # apt may not tell a password.
        NR == FNR { archive[$2 " " $3] = $1; next }
        { print archive[$1 " " $2], $2, $3, $4 }' "$apt/sources" -
}

# `start FILE PLACE`: prints what the names of the signed files of a suite begin with, from that of one of its indexes: it ends
# in PLACE, with `_` for `/`, and `%5f` for `_`.
start() {
    printf %s "${1%"$(printf %s "$2" | sed 's,_,%5f,g; s,/,_,g')"}"
}

# `release ARCHIVE SUITE`: prints the signed statement of a suite. Needs $apt/targets.
release() {
    file=$(awk -v a="$1" -v s="$2" '$1 == a && $2 == s { print $3, $4; exit }' "$apt/targets")
    signed=$(start ${file% *} "${file#* }")
    if [ -e "${signed}InRelease" ]; then
        awk '/^-----BEGIN PGP SIGNED MESSAGE/ { inside = 1; next } /^-----BEGIN PGP SIGNATURE/ { exit } inside' "${signed}InRelease"
    else
        cat "${signed}Release"
    fi
}

# `require_components`: reports the components in sources.list that an archive does not have, or has no packages in; apt
# ignores them.
require_components() {
    targets --no-release-info > "$apt/targets"
    eval "$(apt-config shell native APT::Architecture)"
    while read -r archive address suite components; do
        release "$archive" "$suite" > "$apt/release"
        # Some archives put the name of the archive in front: updates/main.
        known=$(sed -n 's/^Components: *//p' "$apt/release" | tr -s ' ' '\n' | sed 's,.*/,,')
        for component in $components; do
            name=${component##*/}
            ! grep -qE "^ [0-9a-f]{64} +[0-9]+ (.*/)?$(printf %s "$name" | sed 's/[.]/\\./g')/binary-($native|all)/Packages(\.[a-z0-9]+)?$" \
                "$apt/release" || continue
            if printf '%s\n' "$known" | grep -qxF -e "$name"; then
                fact="the suite $suite has nothing for $native in its component '$component'" remedy="leave it out"
            else
                fact="the suite $suite has no component '$component', only: $(echo $known)"
                remedy=$(printf '%s\n' "$known" | suggest "$name" "choose one of these")
            fi
            complain "$archive" "$(written_address "$address")" "$fact" "$remedy"
        done
    done < "$apt/sources"
    stop_on_problems
}

# `dates`: prints lines of ARCHIVE SUITE DATE for all that is in sources.list. Needs what `require_components` left.
dates() {
    while read -r archive address suite components; do
        date=$(release "$archive" "$suite" | sed -n 's/^Date: *//p')
        echo "$archive $suite $(date -u -d "$date" +%Y-%m-%dT%H:%M:%SZ)"
    done < "$apt/sources"
}

# `entries INDEXES`: prints what the indexes name, tab-separated: archive, name, version, architecture, path, size, SHA-256.
# INDEXES is from `targets`.
entries() {
    while read -r archive _ file _; do
        grep -E '^((Package|Version|Architecture|Filename|Size|SHA256): |$)' "$file" | ARCHIVE=$archive awk '
            function told() {
                if ("SHA256" in field) print ENVIRON["ARCHIVE"] "\t" field["Package"] "\t" field["Version"] "\t" \
                    field["Architecture"] "\t" field["Filename"] "\t" field["Size"] "\t" field["SHA256"]
                split("", field)
            }
            $0 == "" { told(); next }
            { field[substr($1, 1, length($1) - 1)] = $2 }
            $1 == "Filename:" { sub(/^(\.\/+)+/, "", field["Filename"]) }
            END { told() }' || true # grep finds nothing in an empty index.
    done < "$1"
}

# `essential INDEXES`: lists the packages that an index calls essential, as lines of NAME_VERSION_ARCHITECTURE.deb ARCHIVE. apt
# installs them unasked.
essential() {
    while read -r archive _ file _; do
        grep -E '^(Package|Version|Architecture|Essential): |^$' "$file" | ARCHIVE=$archive awk '
            { field[$1] = $2 }
            $1 == "Essential:" && $2 == "yes" { found = 1 }
            $0 == "" { told() }
            END { told() }
            function told() {
                gsub(/:/, "%3a", field["Version:"])
                if (found) print field["Package:"] "_" field["Version:"] "_" field["Architecture:"] ".deb", ENVIRON["ARCHIVE"]
                found = 0
            }' || true
    done < "$1"
}

# `installed_sizes INDEXES`: prints what packages take when they are installed, as lines of SHA256 and KiB with a tab between.
installed_sizes() {
    while read -r _ _ file _; do
        grep -E '^(Installed-Size|SHA256): |^$' "$file" | awk -v OFS='\t' '
            $1 == "Installed-Size:" { size = $2 }
            $1 == "SHA256:" { sha256 = $2 }
            $0 == "" { told() }
            END { told() }
            function told() {
                if (sha256 != "" && size ~ /^[1-9][0-9]*$/ && length(size) < 10) print sha256, size
                sha256 = size = ""
            }' || true
    done < "$1"
}

# `keep INDEXES`: packs the indexes with the signed files that name them, as a mirror of each archive has them. With the
# archives' keys they prove that it has a package.
# out: indexes (tar.zst of ARCHIVE/dists/SUITE/…)
keep() {
    kept=/run/work/kept
    while read -r archive suite file place; do
        directory=$kept/$archive/dists/$suite
        mkdir -p "$directory/${place%/*}"
        signed=$(start "$file" "$place")
        for name in InRelease Release Release.gpg; do
            [ ! -e "$signed$name" ] || cp "$signed$name" "$directory/$name"
        done
        cp "$file" "$directory/$place" # apt uses no index whose uncompressed form is not signed.
    done < "$1"
    tar -C "$kept" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --format=ustar -c . | zstd -q -3 -T0 > /run/out/indexes
    rm -r "$kept"
}

# `unpack ARCHIVE`: unpacks what `keep` packed of one archive to /run/work/mirror/ARCHIVE: nothing, if that has no package yet.
# If it is damaged, leaves $TMPDIR/damaged and fails.
# in: indexes, archives
unpack() {
    # tar fails for a name that it does not find as it does for damage, so the names are those to leave out.
    sort -u /run/in/archives | grep -vxF -e "$1" | sed 's,^,./,' > "$TMPDIR/others" || true
    { zstd -q -dc /run/in/indexes || : > "$TMPDIR/damaged"; } |
        tar -C "/run/work/mirror/$1" --strip-components=2 --anchored --no-wildcards --exclude-from="$TMPDIR/others" \
            --no-same-owner --no-same-permissions -x || : > "$TMPDIR/damaged"
    [ ! -e "$TMPDIR/damaged" ]
}
