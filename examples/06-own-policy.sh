#!/usr/bin/env bash
# A policy of your own: code that writes files is refused (exit code 4), in checks, cells and runs alike.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p build
printf 'from pathlib import Path\n\nPath("notes.txt").write_text("hello")\n' > build/06-writes.py

jupyter autocoder check build/06-writes.py            # allowed by default: it could only write to the scratch folder

export JUPYTER_CONFIG_PATH="$PWD/own-policy"
if jupyter autocoder check build/06-writes.py; then
  echo "the team's policy did not hold" >&2
  exit 1
fi
jupyter autocoder check 01-quickstart.ipynb           # the quickstart reads a file and writes none
