"""Kinks, jumps and singularities at x, told from noise."""
