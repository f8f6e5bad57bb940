#!/usr/bin/env bash
# Fails on sources that clang-format (given as $1) would change; `scripts/format` mends them.
set -euo pipefail
find src apps tests examples benchmarks fuzz python \( -name '*.cpp' -o -name '*.hpp' \) -print0 | xargs -0 "$1" --dry-run -Werror
