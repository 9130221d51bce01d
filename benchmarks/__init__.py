"""How fast is lazyscope, and against whom? `python -m benchmarks [NAME ...]`."""
