#!/usr/bin/env bash
# A local model: no key, no price, no request limits. Ollama, vLLM and llama.cpp all speak this protocol.
#   OPENAI_BASE_URL=http://127.0.0.1:11434/v1 AUTOCODER_MODEL_NAME=qwen2.5-coder ./07-local-model.sh
set -euo pipefail
cd "$(dirname "$0")"
: "${OPENAI_BASE_URL:?set it to your local server, for Ollama http://127.0.0.1:11434/v1}"

# Its own lock: what a local model answers does not replace what is locked for everybody.
mkdir -p build
AUTOCODER_LOCK="$PWD/build/07-local.lock" jupyter autocoder run 01-quickstart.ipynb --live -o build/07-quickstart.ipynb
jupyter autocoder usage --since 1d
