"""Who leads a ladder, a single step or a rule along directions: asks f and hands on its values."""
