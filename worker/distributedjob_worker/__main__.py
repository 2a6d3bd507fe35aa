"""``python -m distributedjob_worker``: run the agent."""

import sys

from distributedjob_worker.app import main

if __name__ == "__main__":
    sys.exit(main())
