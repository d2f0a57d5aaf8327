"""Sparse derivatives, compressed: columns share directions; what a pattern misses is found out."""
