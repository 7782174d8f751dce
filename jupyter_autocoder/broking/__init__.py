"""Tickets in the store, and brokers behind one small port (entry point group ``jupyter_autocoder.brokers``)."""
