"""Derivatives along a direction, from a few values of f however large x is."""
