"""What a token opens is asked of the API server, with all that makes up its user."""

from types import SimpleNamespace
from typing import Any

from kubernetes.aio import client

from distributedjob_operator.kube.access import Access

SCOPED = client.V1UserInfo(
    username="ann", uid="7", groups=["render"], extra={"scopes": ["user:info"]}
)


class Reviews:
    """Answers both reviews, and keeps what the second was asked."""

    def __init__(self) -> None:
        self.asked: Any = None

    async def create_token_review(self, review: Any, **options: Any) -> Any:
        return SimpleNamespace(status=SimpleNamespace(authenticated=True, user=SCOPED))

    async def create_subject_access_review(self, review: Any, **options: Any) -> Any:
        self.asked = review.spec
        return SimpleNamespace(status=SimpleNamespace(allowed=True))


async def test_a_token_with_scopes_opens_no_more_than_its_scopes():
    reviews = Reviews()
    access = Access(client.ApiClient())
    access._authentication = access._authorization = reviews
    assert await access.may_read("token", "default", "job")
    asked = reviews.asked
    found = (asked.user, asked.uid, asked.groups, asked.extra)
    assert found == (SCOPED.username, SCOPED.uid, SCOPED.groups, SCOPED.extra)
