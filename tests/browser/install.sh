#!/bin/sh
# Puts in what the tests in a browser need: Debian's chromium and, from npm, axe-core. Fetches no browser from elsewhere.
# What cannot be put in is said, and nothing fails: the tests that need it are skipped, each with the reason.
cd "$(dirname "$0")" || exit 0

found=
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" > /dev/null 2>&1 && found=yes
done
if [ -z "$found" ]; then
    if [ "$(id -u)" -eq 0 ] && [ -f /etc/debian_version ] && command -v apt-get > /dev/null 2>&1; then
        echo "tests/browser: installing chromium"
        apt-get install -y -qq --no-install-recommends chromium > /dev/null 2>&1 ||
            { apt-get update -qq > /dev/null 2>&1 && apt-get install -y -qq --no-install-recommends chromium > /dev/null 2>&1; } ||
            echo "tests/browser: chromium could not be installed (apt-get install chromium); tests in a browser are skipped"
    else
        echo "tests/browser: no Chromium, and it can be installed here only by hand; tests in a browser are skipped"
    fi
fi

if [ ! -f node_modules/axe-core/axe.min.js ]; then
    if command -v npm > /dev/null 2>&1; then
        npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error > /dev/null 2>&1 ||
            echo "tests/browser: axe-core could not be installed (npm install); accessibility checks are skipped"
    else
        echo "tests/browser: no npm, so axe-core cannot be installed; accessibility checks are skipped"
    fi
fi
exit 0
