"""Remotes: stores of results that others share."""
