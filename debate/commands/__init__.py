"""The commands beside the graph, one a file; see `debate.commands.command`."""
