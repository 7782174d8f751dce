"""One file per part that keeps tables in the store."""
