"""A real browser without a screen, and the way into the cluster that a user of the page takes."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from selenium import webdriver

from tests.e2e.cluster import Cluster

OPTIONS: Final = (
    "--headless=new",
    "--window-size=1200,900",
    "--no-first-run",
    # It is to speak to the page and to nobody else.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """Chromium from ``PATH``, or what Selenium Manager gets where there is none."""
    options = webdriver.ChromeOptions()
    for option in OPTIONS:
        options.add_argument(option)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    if found := shutil.which("chromium"):
        options.binary_location = found
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def forwarded(cluster: Cluster, namespace: str, pod: str) -> Iterator[str]:
    """``kubectl port-forward`` to a pod's port ``http``; the URL on this machine."""
    command = [
        cluster.programs["kubectl"],
        "port-forward",
        f"--namespace={namespace}",
        f"pod/{pod}",
        ":http",
    ]
    with subprocess.Popen(
        command, env=cluster.environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said.startswith("Forwarding from "), said
            yield f"http://{said.split()[2]}"
        finally:
            process.terminate()
