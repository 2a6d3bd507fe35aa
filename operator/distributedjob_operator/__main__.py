"""``python -m distributedjob_operator``."""

import sys

from distributedjob_operator.app import main

sys.exit(main())
