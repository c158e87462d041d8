"""One file a step: pure functions from a slice of the config and inputs to a `Step`."""
