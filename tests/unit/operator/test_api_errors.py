"""What the API server answers, in one line and sorted by what can be done about it."""

import json

import pytest
from kubernetes.aio import client

from distributedjob_operator.kube.client import in_our_words
from distributedjob_operator.kube.distributedjobs import DistributedJobs
from distributedjob_operator.ports import Conflict, Denied, Expired, NotFound, Unavailable

STATUS = json.dumps({"kind": "Status", "message": "jobs is forbidden:\n no right"})


@pytest.mark.parametrize(
    ("code", "body", "kind", "line"),
    [
        (403, STATUS, Denied, "HTTP 403 Why: jobs is forbidden: no right"),
        (401, "", Denied, "HTTP 401 Why"),
        (503, "<html>\nbusy", Unavailable, "HTTP 503 Why: <html> busy"),
        (500, "[1]", Unavailable, "HTTP 500 Why: [1]"),
        (410, STATUS, Expired, "HTTP 410 Why: jobs is forbidden: no right"),
        (404, STATUS, NotFound, "Why"),
        (409, STATUS, Conflict, "Why"),
    ],
)
async def test_an_answer_is_one_line(
    code: int, body: str, kind: type[Exception], line: str
) -> None:
    error = client.ApiException(status=code, reason="Why")
    error.body = body
    with pytest.raises(kind) as caught:
        async with in_our_words():
            raise error
    assert type(caught.value) is kind
    assert str(caught.value) == line


@pytest.mark.parametrize("name", [".", ".."])
async def test_a_name_that_leads_elsewhere_is_nobodys(name: str):
    async with client.ApiClient(client.Configuration()) as api:
        jobs = DistributedJobs(api, [])
        with pytest.raises(NotFound):
            await jobs.read_job("default", name)
        with pytest.raises(NotFound):
            await jobs.read_job(name, "job")
        with pytest.raises(NotFound):
            await jobs.list_page(name, "")
