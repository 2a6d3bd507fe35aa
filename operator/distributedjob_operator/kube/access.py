"""Who asks, and whether they may: TokenReview and SubjectAccessReview (protocol item 17)."""

from kubernetes.aio import client

from distributedjob_api import constants
from distributedjob_operator.kube.client import REQUEST_SECONDS, in_our_words


class Access:
    """Answers for the endpoint whether a bearer token may read what it serves."""

    def __init__(self, api: client.ApiClient) -> None:
        self._authentication = client.AuthenticationV1Api(api)
        self._authorization = client.AuthorizationV1Api(api)

    async def may_read(self, token: str, namespace: str, name: str) -> bool | None:
        """Whether the token's user may ``get distributedjobs/log``; None = nobody's token."""
        return await self._may(token, _jobs("get", namespace, name=name, subresource="log"))

    async def may_get(self, token: str, namespace: str, name: str) -> bool | None:
        """Whether the token's user may ``get distributedjobs``; None = nobody's token."""
        return await self._may(token, _jobs("get", namespace, name=name))

    async def may_list(self, token: str, namespace: str) -> bool | None:
        """Whether the token's user may ``list distributedjobs``, in all namespaces for ""."""
        return await self._may(token, _jobs("list", namespace))

    async def may_list_nodes(self, token: str) -> bool | None:
        """Whether the token's user may ``list nodes``; None = nobody's token."""
        return await self._may(token, client.V1ResourceAttributes(resource="nodes", verb="list"))

    async def _may(self, token: str, what: client.V1ResourceAttributes) -> bool | None:
        async with in_our_words():
            review = await self._authentication.create_token_review(
                client.V1TokenReview(spec=client.V1TokenReviewSpec(token=token)),
                _request_timeout=REQUEST_SECONDS,
            )
            if not review.status or not review.status.authenticated:
                return None
            user = review.status.user or client.V1UserInfo()
            answer = await self._authorization.create_subject_access_review(
                client.V1SubjectAccessReview(
                    spec=client.V1SubjectAccessReviewSpec(
                        user=user.username,
                        groups=user.groups,
                        uid=user.uid,
                        # Scopes of a token stand here: without them it would open more.
                        extra=user.extra,
                        resource_attributes=what,
                    )
                ),
                _request_timeout=REQUEST_SECONDS,
            )
        return bool(answer.status and answer.status.allowed)


def _jobs(verb: str, namespace: str, **which: str) -> client.V1ResourceAttributes:
    return client.V1ResourceAttributes(
        group=constants.GROUP,
        resource=constants.PLURAL,
        verb=verb,
        namespace=namespace,
        **which,
    )
