"""The DistributedJob objects."""

from typing import Any, cast

from kubernetes.aio import client

from distributedjob_api import constants
from distributedjob_operator.kube.client import REQUEST_SECONDS, in_our_words
from distributedjob_operator.ports import Denied, JobRow, JobTable, NotFound

_LIST_SECONDS = 30.0
_PAGE_ROWS = 100
_ALL = ""
_AS_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


class DistributedJobs:
    """:class:`~distributedjob_operator.ports.JobStore` on the API server."""

    def __init__(self, api: client.ApiClient, namespaces: list[str]) -> None:
        self._custom = client.CustomObjectsApi(api)
        self._namespaces = namespaces

    async def list_jobs(self) -> list[dict[str, Any]]:
        """Every job of the watched namespaces, or of all.

        Raises:
            Denied: there is no right to it, or no such resource.
        """
        found: list[dict[str, Any]] = []
        try:
            for namespace in self._namespaces or [_ALL]:
                answer = await self._list(namespace, _request_timeout=_LIST_SECONDS)
                found += answer["items"]
        except NotFound as error:
            # A namespace that is not there has an empty list.
            raise Denied(
                f"{constants.CRD_NAME} is not defined in this cluster:"
                " apply the file in crds, or set crds.enabled of the chart"
            ) from error
        return found

    async def list_page(self, namespace: str, mark: str) -> JobTable:
        """Some jobs of a namespace, or of all for an empty one, as the API server prints them.

        So an answer stays small, whatever stands in their status.
        """
        answer = await self._list(
            namespace,
            limit=_PAGE_ROWS,
            _continue=mark or None,
            _headers={"Accept": _AS_TABLE},
            _request_timeout=REQUEST_SECONDS,
        )
        return _table(answer)

    async def _list(self, namespace: str, **options: Any) -> dict[str, Any]:
        """What the API server lists of a namespace, or of all for an empty one."""
        _check_names(namespace)
        kind = (constants.GROUP, constants.VERSION)
        async with in_our_words():
            if namespace:
                answer = await self._custom.list_namespaced_custom_object(
                    *kind, namespace, constants.PLURAL, **options
                )
            else:
                answer = await self._custom.list_cluster_custom_object(
                    *kind, constants.PLURAL, **options
                )
        return cast("dict[str, Any]", answer)

    async def read_job(self, namespace: str, name: str) -> dict[str, Any]:
        """The object as etcd has it now."""
        _check_names(namespace, name)
        async with in_our_words():
            answer = await self._custom.get_namespaced_custom_object(
                constants.GROUP,
                constants.VERSION,
                namespace,
                constants.PLURAL,
                name,
                _request_timeout=REQUEST_SECONDS,
            )
        return cast("dict[str, Any]", answer)

    async def write_status(
        self, namespace: str, name: str, uid: str, version: str, status: dict[str, Any]
    ) -> str:
        """PUT to the status subresource: a stale version answers 409 (protocol item 26)."""
        body = {
            "apiVersion": constants.API_VERSION,
            "kind": constants.KIND,
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": uid,
                "resourceVersion": version,
            },
            "status": status,
        }
        async with in_our_words():
            answer = await self._custom.replace_namespaced_custom_object_status(
                constants.GROUP,
                constants.VERSION,
                namespace,
                constants.PLURAL,
                name,
                body,
                _request_timeout=REQUEST_SECONDS,
            )
        return str(cast("dict[str, Any]", answer)["metadata"]["resourceVersion"])

    async def delete_job(self, namespace: str, name: str, uid: str) -> None:
        """Delete the object with this uid, not one of the same name."""
        async with in_our_words():
            await self._custom.delete_namespaced_custom_object(
                constants.GROUP,
                constants.VERSION,
                namespace,
                constants.PLURAL,
                name,
                propagation_policy="Background",
                body=client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=uid)),
                _request_timeout=REQUEST_SECONDS,
            )


def _check_names(*names: str) -> None:
    """Callers of the endpoint choose them: in a path these two would lead to other objects."""
    if not {".", ".."}.isdisjoint(names):
        raise NotFound("nothing has such a name")


def _table(answer: dict[str, Any]) -> JobTable:
    """What stands in a ``meta.k8s.io/v1 Table``, without the columns that are for -o wide."""
    shown = [n for n, one in enumerate(answer["columnDefinitions"]) if not one["priority"]]
    columns = [answer["columnDefinitions"][n]["name"] for n in shown]
    rows = [
        JobRow(
            row["object"]["metadata"]["namespace"],
            row["object"]["metadata"]["name"],
            ["" if row["cells"][n] is None else str(row["cells"][n]) for n in shown],
        )
        for row in answer["rows"]
    ]
    return JobTable(columns, rows, answer["metadata"].get("continue", ""))
