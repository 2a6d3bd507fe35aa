"""ConfigMaps that hold items."""

from kubernetes.aio import client

from distributedjob_operator.kube.client import REQUEST_SECONDS, in_our_words
from distributedjob_operator.ports import NotFound, Unavailable


class ConfigMaps:
    """:class:`~distributedjob_operator.ports.ConfigMapStore` on the API server."""

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)

    async def read_key(self, namespace: str, name: str, key: str) -> str | None:
        """The text under a key, or None where it is not there.

        Raises:
            Unavailable: no answer, a refusal, or what stands there is no text.
        """
        try:
            async with in_our_words():
                found = await self._core.read_namespaced_config_map(
                    name, namespace, _request_timeout=REQUEST_SECONDS
                )
        except NotFound:
            return None
        if key in (found.binary_data or {}):
            raise Unavailable(f"key {key!r} stands in binaryData and is no UTF-8 text")
        text = (found.data or {}).get(key)
        return None if text is None else str(text)
