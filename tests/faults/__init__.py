"""Faults that take too long for CI."""
