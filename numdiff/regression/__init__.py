"""Derivatives of noisy functions from polynomials through many samples."""
