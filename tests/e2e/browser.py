"""A real browser without a screen, and the way into the cluster that a user of the page takes."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from selenium import webdriver

from distributedjob_cli.client.forward import open_tunnel
from distributedjob_cli.client.way import Forward
from tests.e2e.cluster import Cluster

PORT: Final = 8080
"""Of the operator in the chart."""

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
    """The operator in a pod, at a port of this machine; its URL."""
    kubectl = (str(cluster.programs["kubectl"]), f"--kubeconfig={cluster.provider.kubeconfig}")
    tunnel = open_tunnel(kubectl, Forward(namespace, pod, PORT))
    try:
        yield tunnel.url
    finally:
        tunnel.close()
