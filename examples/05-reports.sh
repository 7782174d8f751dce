#!/usr/bin/env bash
# The same report for two years, as notebooks and as pages that are whole in one file; nothing is asked.
set -euo pipefail
cd "$(dirname "$0")"

for year in 2019 2023; do
  jupyter autocoder run 03-report.ipynb --locked -p symbol HOTL -p year "$year" \
    -o "build/05-HOTL-$year.ipynb" --html "build/05-HOTL-$year.html"
done
