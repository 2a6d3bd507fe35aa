"""The configuration files of a node: containerd, CNI, kubelet."""

import json
from pathlib import Path
from typing import Final

import yaml

from tests.e2e.nodes import network
from tests.e2e.nodes.network import Place

PAUSE: Final = "localhost/e2e/pause:1"

CONTAINERD: Final = """\
version = 2
root = "{node}/containerd"
state = "/run/containerd"

[grpc]
  address = "{node}/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
  path = "{node}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # A machine may forbid to lower what it gave this process.
  restrict_oom_score_adj = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{node}/cni"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""


def containerd(node: Path, plugins: Path) -> str:
    """containerd's file, for a node that keeps everything in this directory."""
    return CONTAINERD.format(node=node, plugins=plugins, pause=PAUSE)


def pod_network(place: Place) -> str:
    """A wire of its own for every pod, so that all traffic passes the node's rules."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": place.pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [
        {"type": "ptp", "ipMasq": False, "ipam": addresses},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return json.dumps({"cniVersion": "1.0.0", "name": "e2e", "plugins": plugins}, indent=2)


def kubelet(node: Path, groups: str, authority: Path) -> str:
    """kubelet's file; ``authority`` signed the API server's client certificate."""
    document = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": f"unix://{node}/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": groups,
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [network.DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(node / "resolv.conf"),
        "podLogsDir": "/var/log/pods",
        "volumePluginDir": str(node / "volume-plugins"),
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        # Images were brought here, and nobody could bring them again.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "readOnlyPort": 0,
        "nodeStatusReportFrequency": "1m",
    }
    return yaml.safe_dump(document, sort_keys=False)
