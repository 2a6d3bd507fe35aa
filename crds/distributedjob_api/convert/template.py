"""The pod template: the one container's command, and where it may run."""

from dataclasses import dataclass
from typing import Any, Final

from distributedjob_api.convert.environment import environment
from distributedjob_api.convert.part import ConvertError, Part

_MOUNT: Final = "mount what tasks need in the pool"
_POD_HINTS: Final = {
    "initContainers": "do their work in the command, or in the pool",
    "volumes": _MOUNT,
    "imagePullSecrets": "the pool has the image",
    "serviceAccountName": "tasks run as the pool's workers do",
    "serviceAccount": "tasks run as the pool's workers do",
    "securityContext": "tasks run as the pool's workers do",
    "affinity": "write nodeSelector",
    "topologySpreadConstraints": "write nodeSelector",
    "priorityClassName": "write spec.priority, from -1000 to 1000",
}
_CONTAINER_HINTS: Final = {
    "envFrom": _MOUNT,
    "volumeMounts": _MOUNT,
    "volumeDevices": _MOUNT,
    "securityContext": "tasks run as the pool's workers do",
    "lifecycle": "do it in the command",
}
_LONGEST_GRACE: Final = 3600


@dataclass(frozen=True, slots=True)
class Task:
    """What a pod template becomes: a task's template, and where the job may run.

    ``container`` is the name of the one that became the task.
    """

    template: dict[str, Any]
    placing: dict[str, Any]
    container: str


def pod_template(template: Part) -> Task:
    """Take the first container, and what of its pod has a place here.

    Raises:
        ConvertError: there is none, or it leaves its command to the image.
    """
    metadata = template.part("metadata")
    metadata.ignore("creationTimestamp", "labels", "name")
    metadata.name_the_rest()
    pod = template.part("spec")
    template.name_the_rest()
    containers = pod.parts("containers")
    if not containers:
        raise ConvertError(f"{pod.place('containers')} must have a container")
    for other in containers[1:]:
        other.notes.append(f"{other.path}: not carried over; a task is one process")
    name = containers[0].take("name", str) or ""
    made = _container(containers[0])
    if (timeout := pod.take("activeDeadlineSeconds", int)) is not None:
        made["timeoutSeconds"] = timeout
    if (grace := pod.take("terminationGracePeriodSeconds", int)) is not None:
        made["terminationGracePeriodSeconds"] = min(grace, _LONGEST_GRACE)
        if grace > _LONGEST_GRACE:
            pod.note("terminationGracePeriodSeconds", f"{_LONGEST_GRACE}, the longest grace")
    placing = _placing(pod)
    _ignore_defaults(pod)
    pod.name_the_rest(_POD_HINTS)
    return Task(made, placing, name)


def _ignore_defaults(pod: Part) -> None:
    """What the API server writes where a user wrote nothing, or the like."""
    pod.ignore("restartPolicy", "enableServiceLinks", "priority", "preemptionPolicy")
    for name, default in (("dnsPolicy", "ClusterFirst"), ("schedulerName", "default-scheduler")):
        value = pod.take(name, str)
        if value not in (None, default):
            pod.note(name, f"not carried over ({value})")


def _placing(pod: Part) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if selector := pod.texts("nodeSelector"):
        made["nodeSelector"] = selector
    if tolerations := [_toleration(each) for each in pod.parts("tolerations")]:
        made["tolerations"] = tolerations
    return made


def _toleration(toleration: Part) -> dict[str, str]:
    names = ("key", "operator", "value", "effect")
    made = {name: value for name in names if (value := toleration.take(name, str))}
    toleration.name_the_rest({"tolerationSeconds": "running tasks stay on a node with a taint"})
    return made


def _container(container: Part) -> dict[str, Any]:
    command = container.take("command", list)
    if not command:
        raise ConvertError(
            f"{container.place('command')} must be set; write what the image starts by itself"
        )
    made: dict[str, Any] = {"command": command}
    if args := container.take("args", list):
        made["args"] = args
    if variables := environment(container.parts("env")):
        made["env"] = variables
    if directory := container.take("workingDir", str):
        made["workingDir"] = directory
    if requests := _requests(container.part("resources")):
        made["resources"] = {"requests": requests}
    if image := container.take("image", str):
        container.note(
            "image", f"not carried over ({image}); the pool's workers must have its programs"
        )
    container.ignore("imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy")
    container.name_the_rest(_CONTAINER_HINTS)
    return made


def _requests(resources: Part) -> dict[str, Any]:
    """Requests of CPU and memory; as in a pod, a limit stands in for a missing one."""
    given, limits = resources.part("requests"), resources.part("limits")
    made: dict[str, Any] = {}
    for name in ("cpu", "memory"):
        asked, limit = given.take(name, object), limits.take(name, object)
        value = limit if asked is None else asked
        if str(value) not in ("None", "0"):
            made[name] = value
        if limit is not None:
            limits.note(
                name,
                "became the request" if asked is None else "not carried over; only requests count",
            )
    if "cpu" not in made:
        given.note("cpu", "1 core for each task, since the Job asks for none")
    for part in (given, limits, resources):
        part.name_the_rest()
    return made
