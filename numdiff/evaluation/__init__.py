"""All that calls f: black boxes, compiled functions, threads."""
