"""Runs steps with systemd-nspawn in an id-shifted user namespace, on layers that are mounted read-only."""
