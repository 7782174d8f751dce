"""What runs inside the sandbox before any user code: the standard library only, no import of the rest of the package."""
