"""What was built before, by content."""
