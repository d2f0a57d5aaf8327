"""What is likely wrong with a derivative that disagrees: the shortest description of it."""
