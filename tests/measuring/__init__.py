"""What tests and benchmarks share: cases of the corpus as tasks, outcomes, figures, targets.

Nothing here knows of a benchmark; benchmarks import it, and so do the tests.
"""
