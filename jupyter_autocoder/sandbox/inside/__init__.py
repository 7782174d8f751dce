"""What runs inside the sandbox before any user code; it imports the standard library and nothing else."""
