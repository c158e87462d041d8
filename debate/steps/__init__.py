"""The steps, one per file: pure functions from a slice of the config and inputs to a `Step`."""
