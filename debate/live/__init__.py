"""Live systems: where on the ISO each finds its images."""
