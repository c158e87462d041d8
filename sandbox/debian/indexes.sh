# Sourced, after apt.sh, for functions on the signed indexes that apt has.

# `indexes ARCHIVES`: lists the files Packages, as lines of ARCHIVE SUITE FILE PLACE. ARCHIVES has the archive of each line
# of sources.list; PLACE is relative to the directory of the suite.
indexes() {
    paste -d ' ' "$1" "$apt/etc/sources.list" |
        sed -E 's,^([^ ]+) deb \[[^]]*\] ([^ ]*[^ /])/* ([^ ]+) .*,\1 \2/ \3,' > "$apt/sources"
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(FILENAME) $(METAKEY)' 'Created-By: Packages' | awk '
        { sub(/:\/\/[^\/@]*@/, "://") } # apt may not tell a password.
        NR == FNR { archive[$2 " " $3] = $1; next }
        { print archive[$1 " " $2], $2, $3, $4 }' "$apt/sources" -
}

# `entries INDEXES`: prints what the indexes name, tab-separated: archive, name, version, architecture, path, size, SHA-256.
# INDEXES is from `indexes`.
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

# `keep INDEXES`: packs the indexes with the signed files that name them, as a mirror of each archive has them. With the
# archives' keys they prove that it has a package.
# out: indexes (tar.zst of ARCHIVE/dists/SUITE/…)
keep() {
    kept=/run/work/kept
    while read -r archive suite file place; do
        directory=$kept/$archive/dists/$suite
        mkdir -p "$directory/${place%/*}"
        # The name is that of the signed file with the place added: `_` for `/`, and `%5f` for `_`.
        start=${file%"$(printf %s "$place" | sed 's,_,%5f,g; s,/,_,g')"}
        for name in InRelease Release Release.gpg; do
            [ ! -e "$start$name" ] || cp "$start$name" "$directory/$name"
        done
        cp "$file" "$directory/$place" # apt uses no index whose uncompressed form is not signed.
    done < "$1"
    tar -C "$kept" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --format=ustar -c . | zstd -q -3 -T0 > /run/out/indexes
    rm -r "$kept"
}
