# Sourced by each command that changes users: removes what would differ between runs.
# in: leftovers (paths without spaces, one a line), none of which the profile itself may have
rm -f $(cat /run/in/leftovers)
