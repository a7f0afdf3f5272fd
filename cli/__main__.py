"""`python -m edgeproof.cli` for machines without the script on their path."""

import sys

from . import main

sys.exit(main())
