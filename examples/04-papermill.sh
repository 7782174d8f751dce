#!/usr/bin/env bash
# The report for one symbol by papermill: the locked answers, other parameters.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p build

AUTOCODER_LOCKED=1 papermill 03-report.ipynb build/04-DLTA.ipynb -p symbol DLTA -p year 2020
