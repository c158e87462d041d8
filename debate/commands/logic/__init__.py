"""The code of the larger commands. It is imported when one runs; their declarations are imported with the graph."""
