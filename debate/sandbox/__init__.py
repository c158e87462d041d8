"""Steps run here: systemd-nspawn in a shifted user namespace, on layers mounted read-only."""
