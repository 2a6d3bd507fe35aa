"""The one installation of the embedded cluster: where its Lease stands."""

from typing import Final

SYSTEM_NAMESPACE: Final = "djob-system"
LEASE_NAME: Final = "distributedjob"
INSTALLATION: Final = f"{SYSTEM_NAMESPACE}/{LEASE_NAME}"
