"""What users do, in the order in which it happens to one installation."""

import base64
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from tests.e2e import objects
from tests.e2e.browser import browser, forwarded
from tests.e2e.cluster import Cluster
from tests.e2e.jobs import TASKS, Jobs
from tests.e2e.release import NAME, NAMESPACE, Release
from tests.e2e.users import User, new_user, reach_role
from tests.support.waiting import wait_until

POOLS_LATER = {
    "default": {"cpu": {"share": 0.5, "reserve": "100m"}, "env": [{"name": "NEW", "value": "1"}]},
    "foreign": {"cpu": {"share": 0.5, "reserve": "0"}, "image": "foreign"},
}
EARLIER = Path(__file__).parent / "charts" / "distributedjob-0.1.0.tgz"
"""The chart as it was at first; there is no release yet whose images would be older than these."""
INTRUDER = Path(__file__).parent / "programs" / "intruder.py"

Before = set[tuple[str, str, str]]


@pytest.fixture(scope="module")
def release(cluster: Cluster) -> Release:
    """The one installation."""
    return Release(cluster)


@pytest.fixture(scope="module")
def jobs(cluster: Cluster) -> Jobs:
    """Its jobs."""
    return Jobs(cluster, NAMESPACE)


@pytest.fixture
def user(cluster: Cluster, tmp_path: Path) -> Iterator[User]:
    """Somebody with the rights of docs/install.md, those of an editor, and to list nodes."""
    role = reach_role()
    cluster.kubectl("apply", "-f", "-", input=json.dumps(role))
    cluster.kubectl("create", "clusterrole", "node-lister", "--verb=list", "--resource=nodes")
    with new_user(cluster, "user", NAMESPACE, tmp_path) as made:
        made.bind(role["metadata"]["name"], "role")
        made.bind(f"{NAMESPACE}-{NAME}-editor")
        account = f"--serviceaccount={NAMESPACE}:{made.name}"
        cluster.kubectl(
            "create", "clusterrolebinding", "node-lister", "--clusterrole=node-lister", account
        )
        yield made
        cluster.kubectl("delete", "clusterrolebinding,clusterrole", "node-lister")
    cluster.kubectl("delete", "role", role["metadata"]["name"], "-n", NAMESPACE)


@pytest.fixture(scope="module")
def before(cluster: Cluster) -> Before:
    """What was in the cluster before it."""
    return objects.take(cluster, (NAMESPACE,))


def test_readme_installs_it_where_pod_security_is_restricted(
    release: Release, before: Before
) -> None:
    release.follow("Install")

    labels = release.cluster.get("namespace", NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert len(release.pods("operator")) == 2
    workers = {pod["spec"]["nodeName"] for pod in release.pods("worker")}
    assert len(workers) == len(release.pods("worker")) >= 1


def test_pods_that_ask_for_more_are_refused_there(cluster: Cluster) -> None:
    container = {"name": "root", "image": "any", "securityContext": {"privileged": True}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root", "namespace": NAMESPACE},
        "spec": {"containers": [container]},
    }

    done = cluster.kubectl("create", "-f", "-", input=json.dumps(pod), check=False)

    assert done.returncode != 0
    assert 'violates PodSecurity "restricted' in done.stderr


def test_a_job_runs_to_complete(release: Release, jobs: Jobs) -> None:
    jobs.apply("first", ["sh", "-c", "echo task $DJOB_INDEX"], completions=100)

    release.kubectl("wait", "--for=condition=Complete", "djob/first", "--timeout=60s")
    jobs.all_succeeded("first", 100)


def test_the_page_shows_it_in_a_browser(release: Release, jobs: Jobs, tmp_path: Path) -> None:
    jobs.apply("seen", ["sh", "-c", "[ $DJOB_INDEX != 7 ]"], completions=20, backoffLimitPerIndex=0)
    release.kubectl("wait", "--for=jsonpath={.status.phase}=Failed", "djob/seen", "--timeout=60s")
    with new_user(release.cluster, "looker", NAMESPACE, tmp_path) as looker:
        looker.bind(f"{NAMESPACE}-{NAME}-viewer")
        with forwarded(release.cluster, NAMESPACE, release.leader()) as url, browser() as driver:
            driver.get(f"{url}/")
            driver.find_element(By.ID, "token").send_keys(looker.token)
            driver.find_element(By.CSS_SELECTOR, "form.login button").click()
            driver.find_element(By.LINK_TEXT, "seen").click()
            cells = driver.find_elements(By.CSS_SELECTOR, ".map rect")
            assert [cell.get_attribute("class") for cell in cells] == [
                "Failed" if index == 7 else "Succeeded" for index in range(20)
            ]
            # The style was let in: a rule of it is seen to hold.
            assert cells[7].value_of_css_property("fill") != cells[8].value_of_css_property("fill")
            driver.find_element(By.LINK_TEXT, "Failures").click()
            assert "Error, exit code 1" in driver.find_element(By.TAG_NAME, "main").text
            driver.get(f"{url}/ui/nodes")
            assert "You may not list nodes." in driver.find_element(By.TAG_NAME, "main").text

    release.kubectl("delete", "djob/seen")


def test_a_user_without_the_right_to_forward_a_port_is_told_which_role_that_takes(
    cluster: Cluster, tmp_path: Path
) -> None:
    with new_user(cluster, "stranger", NAMESPACE, tmp_path) as user:
        done = user.djob("output", "first")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert f"cannot read Lease {NAMESPACE}/{NAME}" in done.stderr

        lease = {**reach_role(), "rules": reach_role()["rules"][:1]}
        cluster.kubectl("apply", "-f", "-", input=json.dumps(lease))
        user.bind(lease["metadata"]["name"], "role")
        done = user.djob("output", "first")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "needs a Role with get pods and create, get pods/portforward" in done.stderr
    cluster.kubectl("delete", "role", lease["metadata"]["name"], "-n", NAMESPACE)


def test_a_user_submits_a_job_and_reads_what_came_of_it_from_outside(user: User) -> None:
    done = user.djob(
        *("submit", "--array", "0-9", "--cpus", "100m", "--wait", "-o", "name", "--"),
        *("sh", "-c", "test $DJOB_INDEX != 7 || exit 3; echo task $DJOB_INDEX"),
    )
    assert done.returncode == 4, done.stderr
    job = done.stdout.strip()

    done = user.djob("output", job)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(f"task {index}\n" for index in range(10) if index != 7)
    assert user.djob("why", job).stdout.startswith("FailedIndexes: ")
    assert user.djob("failures", job).stdout.startswith("Error, exit code 3: 1 task failed")
    done = user.djob("nodes", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert {row["health"] for row in json.loads(done.stdout)} == {"Ready"}


def test_following_a_job_outlives_its_leader(user: User, release: Release, jobs: Jobs) -> None:
    jobs.apply(
        "followed",
        ["sh", "-c", "echo task $DJOB_INDEX; sleep 0.5"],
        completions=TASKS,
        parallelism=4,
        template={"resources": {"requests": {"cpu": "50m"}}},
    )
    jobs.wait_for("followed", lambda now: now.get("succeeded", 0) > 0, "is on its way")
    leader = release.leader()
    with subprocess.Popen(
        user.command("logs", "followed", "-f"),
        env=user.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        assert following.stdout.readline().startswith("==> task ")

        release.kubectl("delete", "pod", leader)
        wait_until(release.leader, lambda now: now not in ("", leader), 60, "another pod leads")
        ended = jobs.status("followed").get("succeeded", 0)
        jobs.wait_for("followed", lambda now: now.get("succeeded", 0) > ended + 8, "goes on")
        assert user.djob("cancel", "followed", "--wait").returncode == 0

        told = [line for line in following.stdout if line.startswith("==> task ")]
        assert following.wait() == 0
    assert len(told) >= ended
    assert len(set(told)) == len(told)
    release.settle()


def test_a_job_survives_the_deletion_of_the_leaders_pod(release: Release, jobs: Jobs) -> None:
    jobs.start("leader-deleted")
    leader = release.leader()

    release.kubectl("delete", "pod", leader)

    wait_until(release.leader, lambda now: now not in ("", leader), 60, "another pod leads")
    jobs.finish("leader-deleted")


def test_a_job_survives_the_deletion_of_a_workers_pod(release: Release, jobs: Jobs) -> None:
    jobs.start("worker-deleted")

    release.kubectl("delete", "pod", release.pods("worker")[0]["metadata"]["name"])

    jobs.finish("worker-deleted")
    release.settle()


def test_a_rolling_update_of_everything_loses_and_fails_nothing(
    release: Release, jobs: Jobs
) -> None:
    jobs.start("rolled")
    old = {pod["metadata"]["uid"] for part in ("operator", "worker") for pod in release.pods(part)}

    release.kubectl("rollout", "restart", "deployment,daemonset")
    release.settle()

    new = {pod["metadata"]["uid"] for part in ("operator", "worker") for pod in release.pods(part)}
    assert not old & new
    jobs.finish("rolled")


def test_a_task_of_hours_is_ended_by_a_rolling_update_and_runs_again_without_charge(
    release: Release, jobs: Jobs
) -> None:
    workers = [pod["metadata"]["name"] for pod in release.pods("worker")]
    jobs.start_endless("endless", len(workers), workers)

    release.kubectl("rollout", "restart", "daemonset")
    release.settle()

    jobs.all_succeeded("endless", len(workers))


def test_a_drained_node_loses_nothing(release: Release, jobs: Jobs) -> None:
    jobs.start("drained")
    node = release.drainable_node()

    with release.drained(node):
        left = [pod["spec"]["nodeName"] for pod in release.pods("operator")]
        jobs.finish("drained")

    release.settle()
    assert node not in left


def test_an_upgrade_mid_job_loses_nothing(release: Release, jobs: Jobs, tmp_path: Path) -> None:
    jobs.start("upgraded")

    release.upgrade(POOLS_LATER, tmp_path)

    jobs.finish("upgraded")


def test_a_pool_runs_an_image_without_shell_and_python(release: Release, jobs: Jobs) -> None:
    jobs.apply("foreign", ["/program"], completions=20, pool="foreign")

    jobs.all_succeeded("foreign", 20)


def test_a_task_is_refused_tokens_the_subjects_of_other_pools_and_the_operators_key(
    release: Release, jobs: Jobs
) -> None:
    keys = release.keys()
    digest = hashlib.sha256(base64.b64decode(keys["operator"])).hexdigest()
    host, base = f"{NAME}-nats.{NAMESPACE}.svc", f"djob.v1.{NAMESPACE}_2f{NAME}"
    arguments = [host, base, "default", "foreign", digest]

    jobs.apply(
        "intruder",
        ["python3", "-I", "-c", INTRUDER.read_text(encoding="utf-8")],
        completions=1,
        backoffLimitPerIndex=0,
        template={"args": arguments, "resources": {"requests": {"cpu": "100m"}}},
    )

    jobs.all_succeeded("intruder", 1)


def test_readme_uninstalls_it_and_leaves_nothing(release: Release, before: Before) -> None:
    release.follow("Uninstall")

    assert objects.take(release.cluster, (NAMESPACE,)) - before == set()


def test_helm_4_upgrades_an_earlier_chart_mid_job_and_uninstalls_it(
    cluster: Cluster, jobs: Jobs, before: Before, tmp_path: Path
) -> None:
    release = Release(cluster.with_helm(cluster.programs["helm4"], tmp_path))
    assert release.cluster.run("bash", "-c", "helm version --short").stdout.startswith("v4.")
    release.install_earlier(EARLIER, tmp_path)
    jobs.start("over-versions")
    keys = release.keys()

    release.upgrade(POOLS_LATER, tmp_path)

    jobs.finish("over-versions")
    assert keys.items() <= release.keys().items()
    release.test()
    release.follow("Uninstall")
    assert objects.take(release.cluster, (NAMESPACE,)) - before == set()
