"""Values that make no sense: the schema names the field, or a message has the remedy as well.

So do those that Kubernetes would refuse in the middle of an install, or take and do nothing
with.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.charts import CHART, RELEASE, Document, helm

PASSWORD = "sixteen-letters-long"
SECRET = {"existingSecret": "keys"}


def pool(**fields: Any) -> Document:
    return {"pools": {"default": fields}}


def egress(*rules: Document) -> Document:
    return pool(egress=list(rules))


def variables(*names: str) -> Document:
    return pool(env=[{"name": name, "value": "1"} for name in names])


def mounted(*paths: str) -> Document:
    return pool(
        volumes=[{"name": "d", "emptyDir": {}}],
        volumeMounts=[{"name": "d", "mountPath": path} for path in paths],
    )


def metrics(**fields: Any) -> Document:
    return {"metrics": fields}


def nats(**fields: Any) -> Document:
    return {"nats": fields}


def block(cidr: str, **fields: Any) -> Document:
    return {"to": [{"ipBlock": {"cidr": cidr, **fields}}]}


def external(url: str, **fields: Any) -> Document:
    return nats(enabled=False, external={"url": url}, **fields)


@pytest.mark.parametrize(
    ("values", "field", "remedy"),
    [
        (pool(image={"tag": "4"}), "pools.default.image.repository", "name the image"),
        (pool(image={"digest": f"sha256:{'0' * 64}"}), "pools.default.image", "worker.image"),
        ({"worker": {"image": {"repository": ""}}}, "worker.image.repository", "name the image"),
        (external(""), "nats.external.url", "set nats.enabled"),
        (nats(external={"url": "nats://n:4222"}), "nats.external.url", "leave the URL out"),
        (external("nats://n:4222"), "nats.auth", "existingSecret"),
        (
            external("nats://n:4222", auth={"passwords": {"operator": PASSWORD}}),
            "pool-default",
            "passwords.pool-default",
        ),
        (nats(tls={"secretName": "cert"}), "nats.tls.enabled", "set it to true"),
        (nats(tls={"enabled": True}), "nats.tls", "secretName"),
        (
            nats(tls={"enabled": True, "secretName": "cert", "issuerRef": {"name": "ca"}}),
            "nats.tls.issuerRef",
            "leave one of them out",
        ),
        (
            external("tls://n:4222", auth=SECRET, tls={"enabled": True}),
            "nats.tls.secretName",
            "ca.crt",
        ),
        (
            external("nats://n:4222", auth=SECRET, tls={"enabled": True, "secretName": "cert"}),
            "nats.external.url",
            "begin it with tls://",
        ),
        (
            nats(auth={"passwords": {"pool-gpu": PASSWORD}}),
            "nats.auth.passwords.pool-gpu",
            "operator, route, pool-default",
        ),
        (
            nats(auth={**SECRET, "passwords": {"operator": PASSWORD}}),
            "nats.auth.passwords",
            "put them into that Secret",
        ),
        (
            {"operator": {"lease": {"renewDeadlineSeconds": 6}}},
            "operator.lease.renewDeadlineSeconds",
            "lower it",
        ),
        (
            {"operator": {"lease": {"retryPeriodSeconds": 3.5}}},
            "operator.lease.retryPeriodSeconds",
            "lower it",
        ),
        ({"test": {"pool": "gpu"}}, "test.pool", "name one of default"),
        ({"poolDefaults": {"stateSize": None}}, "pools.default.stateSize", "give it a value"),
        (pool(namespaces=["a", "b", "a"]), "pools.default.namespaces", "twice"),
        (
            pool(volumes=[{"name": "disk", "hostPath": {"path": "/"}}]),
            "pools.default.volumes",
            "persistentVolumeClaim",
        ),
        (pool(volumes=[{"emptyDir": {}}]), "pools.default.volumes", "give it one"),
        (pool(volumes=[{"name": "key", "emptyDir": {}}]), "pools.default.volumes", "otherwise"),
        (
            pool(volumeMounts=[{"name": "scenes", "mountPath": "/scenes"}]),
            "pools.default.volumeMounts",
            "name one of the pool's volumes",
        ),
        (
            pool(
                volumes=[{"name": "d", "emptyDir": {}}],
                volumeMounts=[{"name": "d", "mountPath": "/opt"}],
            ),
            "pools.default.volumeMounts",
            "mount it elsewhere",
        ),
        (egress({"ports": [{"port": 443}]}), "pools.default.egress", "169.254.169.254/32"),
        (egress(block("0.0.0.0/0")), "pools.default.egress", "169.254.169.254/32"),
        (egress(block("::/0")), "pools.default.egress", "fd00:ec2::254/128"),
        (egress(block("169.254.0.0/16")), "pools.default.egress", "except: []"),
        (egress(block("169.254.169.254/32")), "pools.default.egress", "except: []"),
        (egress(block("128.0.0.0/1")), "pools.default.egress", "169.254.169.254/32"),
        (egress(block("fc00::/7")), "pools.default.egress", "fd00:ec2::254/128"),
        (egress(block("fd00::/8")), "pools.default.egress", "fd00:ec2::254/128"),
        (variables("X", "X"), "pools.default.env", "leave one of them out"),
        (variables("CPU_MILLIS"), "pools.default.env", "call it otherwise"),
        (
            {
                **variables("SSL_CERT_FILE"),
                **nats(tls={"enabled": True, "issuerRef": {"name": "ca"}}),
            },
            "pools.default.env",
            "call it otherwise",
        ),
        (mounted("/a", "/a/"), "pools.default.volumeMounts", "mount it elsewhere"),
        (mounted("/tmp"), "pools.default.volumeMounts", "mount it elsewhere"),
        (
            pool(volumes=[{"name": "d", "emptyDir": {}}, {"name": "d", "emptyDir": {}}]),
            "pools.default.volumes",
            "leave one of them out",
        ),
        (
            pool(podLabels={"distributedjob.dev/pool": "x"}),
            "pools.default.podLabels",
            "leave it out",
        ),
        ({"commonLabels": {"helm.sh/chart": "x"}}, "commonLabels", "leave it out"),
        (
            metrics(dashboard={"labels": {"app.kubernetes.io/name": "x"}}),
            "metrics.dashboard.labels",
            "leave it out",
        ),
        (
            metrics(workers={"port": 0}, workerMonitor={"enabled": True}),
            "metrics.workerMonitor.enabled",
            "give them a port",
        ),
        (
            metrics(serviceMonitor={"enabled": True}, podMonitor={"enabled": True}),
            "metrics.podMonitor.enabled",
            "leave one of them out",
        ),
        (
            {"operator": {"silenceSeconds": 10, "reportSeconds": 5}},
            "operator.silenceSeconds",
            "raise it",
        ),
        (nats(storage={"size": "1Gi"}), "journal.maxBytes", "nats.storage.size"),
        (external("nats://n:65536", auth=SECRET), "nats.external.url", "65535"),
    ],
)
def test_what_makes_no_sense_together(
    values: Document, field: str, remedy: str, tmp_path: Path
) -> None:
    said = refused(values, tmp_path)
    assert field in said
    assert remedy in said


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (pool(cpu={"reserve": "1Gi"}), "/pools/default/cpu/reserve"),
        (pool(cpu={"reserve": -1}), "/pools/default/cpu/reserve"),
        (pool(cpu={"shares": 1}), "shares"),
        (pool(stateSize=None), "/pools/default/stateSize"),
        ({"nats": None}, "nats"),
        ({"operator": {"lease": None}}, "lease"),
        ({"networkPolicy": {"dns": {"ports": [0]}}}, "/networkPolicy/dns/ports"),
        ({"networkPolicy": {"apiServer": {"ports": []}}}, "/networkPolicy/apiServer/ports"),
        ({"rbac": {"aggregated": True}}, "aggregated"),
        ({"pools": ["default"]}, "/pools"),
        ({"nameOverride": "Foo Bar"}, "/nameOverride"),
        ({"fullnameOverride": "1st"}, "/fullnameOverride"),
        ({"commonLabels": {"team": 1}}, "/commonLabels/team"),
        ({"operator": {"replicas": -1}}, "/operator/replicas"),
        ({"operator": {"silenceSeconds": 1}}, "/operator/silenceSeconds"),
        ({"operator": {"podAnnotations": {"a": True}}}, "/operator/podAnnotations/a"),
        ({"operator": {"image": {"repository": "registry/x:1.0"}}}, "/operator/image/repository"),
        ({"operator": {"image": {"tag": 4}}}, "/operator/image/tag"),
        (external("nats://n:4222/x", auth=SECRET), "/nats/external/url"),
        (nats(auth={"existingSecret": "My Secret"}), "/nats/auth/existingSecret"),
        (nats(storage={"className": "Not one"}), "/nats/storage/className"),
        ({"networkPolicy": {"operator": {"from": [{"namespace": "a"}]}}}, "namespace"),
        (egress(block("10.0.0.0")), "/pools/default/egress/0/to/0/ipBlock/cidr"),
        (pool(namespaces=["Team A"]), "/pools/default/namespaces/0"),
        (pool(nodeSelector={"example.com/gpu": True}), "/nodeSelector/example.com"),
        (pool(tolerations=[{"kee": "x"}]), "kee"),
        (pool(tolerations=[{"key": "x", "value": True}]), "/pools/default/tolerations/0/value"),
        (pool(env=[{"name": "X", "value": 1}]), "/pools/default/env/0/value"),
        (pool(env=[{"name": "DJOB_POOL", "value": "x"}]), "/pools/default/env/0/name"),
        (mounted("relative"), "/pools/default/volumeMounts/0/mountPath"),
        (pool(resources={"limits": {"cpu": "lots"}}), "/pools/default/resources/limits/cpu"),
        (pool(stateSize="0"), "/pools/default/stateSize"),
        (pool(runAsUser=1 << 31), "/pools/default/runAsUser"),
    ],
)
def test_what_the_schema_refuses(values: Document, field: str, tmp_path: Path) -> None:
    assert field in refused(values, tmp_path)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("operator.endpointUrl=http://jobs.example.com", "endpointUrl"),
        ("pools.default.cpu.share=2", "share"),
        ("pools.default.runAsUser=0", "runAsUser"),
        ("pools.Upper.stateSize=1Gi", "Upper"),
        ("nats.replicas=2", "replicas"),
        ("nats.storage.size=5", "size"),
        ("nats.auth.enabled=false", "enabled"),
        ("nats.auth.passwords.operator=short", "operator"),
        ("nats.enabled=false", "nats.external.url"),
        ("nats.enabled=false,nats.external.url=nats://n:4222", "existingSecret"),
        ("nats.tls.enabled=true", "issuerRef"),
        ("journal.maxBytes=4G", "maxBytes"),
        ("journal.maxAgeSeconds=7d", "maxAgeSeconds"),
        ("typo=1", "typo"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(mistake: str, message: str) -> None:
    done = helm("template", RELEASE, str(CHART), "--kube-version", "1.37.2", "--set", mistake)
    assert done.returncode != 0
    assert message in done.stderr


@pytest.mark.parametrize("release", ["my.release", "1st"])
def test_a_release_whose_name_no_service_can_have(release: str, tmp_path: Path) -> None:
    said = refused({}, tmp_path, release)
    assert f"fullnameOverride: the objects would be called {release}-distributedjob" in said


def refused(values: Document, folder: Path, release: str = RELEASE) -> str:
    """What helm says of these values."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    done = helm("template", release, str(CHART), "--kube-version", "1.37.2", "-f", str(file))
    assert done.returncode != 0
    return done.stderr
