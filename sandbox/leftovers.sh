# Sourced by each command that changes users: removes what would differ between runs.
rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- \
    /var/cache/ldconfig/aux-cache
