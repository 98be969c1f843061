"""``python -m cramprisk`` is the command line."""

import sys

from cramprisk.cli import main

sys.exit(main())
