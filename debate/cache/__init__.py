"""The store: results of earlier builds, addressed by content."""
