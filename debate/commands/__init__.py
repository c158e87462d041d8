"""What `doit` does beside building: each function returns what to print."""
