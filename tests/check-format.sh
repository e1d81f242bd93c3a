#!/bin/sh
# Every C file is formatted as .clang-format says.  Only version 14 is asked,
# since versions differ in details.
set -eu
cd "$(dirname "$0")/.."

find . \( -name '.git' -o -name 'build*' \) -prune -o -name '*.[ch]' -print |
    LC_ALL=C sort | xargs clang-format-14 --dry-run -Werror
