"""Remotes: what others have built."""
