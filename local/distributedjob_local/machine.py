"""Which machines the embedded cluster runs on."""

import platform

from distributedjob_local.errors import UnsupportedMachineError

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def architecture(system: str | None = None, processor: str | None = None) -> str:
    """This machine's architecture as Go and the releases spell it.

    Raises:
        UnsupportedMachineError: it is not Linux on x86-64 or arm64.
    """
    system = system or platform.system()
    processor = processor or platform.machine()
    found = _ARCHITECTURES.get(processor.lower())
    if system != "Linux" or found is None:
        raise UnsupportedMachineError(
            f"the embedded cluster runs on Linux x86-64 and arm64, not on {system} {processor}"
        )
    return found
