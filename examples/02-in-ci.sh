#!/usr/bin/env bash
# The quickstart as a CI job: check the locked code, replay it, keep the report. No key, no network.
set -euo pipefail
cd "$(dirname "$0")"

# Nothing in the lock may break the policy (exit code 4), whoever edited it.
jupyter autocoder check autocode.lock 01-quickstart.ipynb

# A prompt that is not in the lock fails with exit code 7; nothing is asked, nothing is written.
jupyter autocoder run 01-quickstart.ipynb --locked \
  -o build/01-quickstart.ipynb --report build/report.json --junit build/junit.xml

# The same notebook without this package, for whoever only wants the result.
jupyter autocoder export 01-quickstart.ipynb -o build/plain.ipynb
