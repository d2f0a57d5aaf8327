"""How large the error of f itself is, and of what kind."""
