"""The ladder: pure kernels that decide, from the samples of f so far, where f is asked next.

Arrays in, arrays out, no Python objects, no allocation; nothing here calls f.
"""
