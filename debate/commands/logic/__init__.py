"""What the larger commands do: loaded when one runs, where the declarations beside it are loaded with the graph."""
