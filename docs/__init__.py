"""The reference pages, made from the docstrings."""
