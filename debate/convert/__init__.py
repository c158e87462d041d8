"""Profiles of other image builders, turned into ours."""
