"""What is made from a configuration: shell script, graph, first file."""
