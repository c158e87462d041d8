"""The commands that are not steps, one per file; see `debate.commands.command`."""
