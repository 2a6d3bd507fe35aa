"""``/ui/`` over HTTP: who sees what, and what nobody's browser can be made to do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import requests

from distributedjob_local.component import free_port
from distributedjob_operator.ports import JobRow, JobTable
from tests.support.endpoint import OLD_MARK, Rights, Served, Stored, an_endpoint
from tests.support.worlds import a_world, started

JOB = "/ui/namespaces/default/distributedjobs/job"
PAGES = ("/ui/", JOB, f"{JOB}/failures", "/ui/nodes")
EVIL = "<script>alert(1)</script>"
TABLE = JobTable(
    ["Name", "Phase", "Done"], [JobRow("default", "job", ["job", "Running", EVIL])], ""
)


class Browser:
    """Keeps cookies, and stops at redirects so that a test sees them."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._session = requests.Session()
        self._session.trust_env = False

    async def get(self, path: str, **headers: str) -> requests.Response:
        return await self._ask("GET", path, headers=headers)

    async def post(
        self, path: str, form: dict[str, str] | bytes, **headers: str
    ) -> requests.Response:
        return await self._ask("POST", path, data=form, headers=headers)

    async def log_in(self, token: str, target: str = "/ui/") -> requests.Response:
        return await self.post("/ui/login", {"token": token, "next": target})

    async def _ask(self, verb: str, path: str, **options: Any) -> requests.Response:
        return await asyncio.to_thread(
            self._session.request,
            verb,
            self.served.url + path,
            allow_redirects=False,
            timeout=10,
            **options,
        )


@pytest.fixture
async def open_page() -> AsyncIterator[Callable[..., Any]]:
    """Serves the page of a replica that leads a job of four tasks on two nodes."""
    endpoints = []

    async def opened(table: JobTable = TABLE, namespaces: tuple[str, ...] = ()) -> Browser:
        port, journal, world = free_port(), Stored(), a_world(1, 1, completions=4)
        started(world)
        served = Served(f"http://127.0.0.1:{port}", world, journal)
        endpoint = an_endpoint(served.read_job, journal, Rights(), served.lead, table, namespaces)
        endpoints.append(endpoint)
        await endpoint.start("127.0.0.1", port)
        return Browser(served)

    yield opened
    for endpoint in endpoints:
        await endpoint.stop()


@pytest.mark.parametrize(
    ("token", "codes"),
    [
        ("", [401, 401, 401, 401]),
        ("garbage", [401, 401, 401, 401]),
        ("stranger", [403, 403, 403, 403]),
        ("reader", [200, 200, 200, 403]),
        ("admin", [200, 200, 200, 200]),
    ],
)
async def test_each_page_is_for_whoever_may_read_what_it_shows(
    open_page: Callable[..., Any], token: str, codes: list[int]
) -> None:
    browser = await open_page()
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    assert [(await browser.get(path, **bearer)).status_code for path in PAGES] == codes


async def test_a_login_opens_the_pages_and_a_logout_closes_them(
    open_page: Callable[..., Any],
) -> None:
    browser = await open_page()
    asked = await browser.get(JOB)
    assert (asked.status_code, f'name="next" value="{JOB}"' in asked.text) == (401, True)

    answer = await browser.log_in("admin", JOB)
    assert (answer.status_code, answer.headers["Location"]) == (303, JOB)
    cookie = answer.headers["Set-Cookie"]
    assert "admin" not in cookie
    assert {"HttpOnly", "SameSite=Strict"} <= {part.strip() for part in cookie.split(";")}
    assert (await browser.get(JOB)).status_code == 200

    await browser.post("/ui/logout", {})
    assert (await browser.get(JOB)).status_code == 401


async def test_a_token_that_is_nobodys_opens_no_session(open_page: Callable[..., Any]) -> None:
    browser = await open_page()
    answer = await browser.log_in("garbage")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (401, False)
    assert "The API server does not know this token." in answer.text


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/ui/\\evil",
        "/ui/\r\nSet-Cookie: a=b",
        "/v1/nodes",
        "",
    ],
)
async def test_a_login_leads_nowhere_else(open_page: Callable[..., Any], target: str) -> None:
    browser = await open_page()
    assert (await browser.log_in("admin", target)).headers["Location"] == "/ui/"


async def test_a_form_of_another_site_is_refused(open_page: Callable[..., Any]) -> None:
    browser = await open_page()
    form = {"token": "admin"}
    answer = await browser.post("/ui/login", form, Origin="https://evil.example")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (403, False)
    odd = await browser.post("/ui/login", form, Origin="http://[::1")
    assert odd.status_code == 403
    own = await browser.post("/ui/login", form, Origin=browser.served.url)
    assert own.status_code == 303


@pytest.mark.parametrize(
    ("body", "charset"), [(b"token=\xff", "utf-8"), (b"token=admin", "no-such-charset")]
)
async def test_a_form_that_cannot_be_read_is_refused(
    open_page: Callable[..., Any], body: bytes, charset: str
) -> None:
    browser = await open_page()
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    answer = await browser.post("/ui/login", body, **{"Content-Type": kind})
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (400, False)


async def test_text_of_others_stays_text_and_no_script_may_run(
    open_page: Callable[..., Any],
) -> None:
    browser = await open_page()
    answer = await browser.get("/ui/", Authorization="Bearer admin")
    assert EVIL not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_job_is_shown_as_the_leader_knows_it(open_page: Callable[..., Any]) -> None:
    browser = await open_page()
    text = (await browser.get(f"{JOB}?index=3", Authorization="Bearer admin")).text
    assert "<title>0: Running</title>" in text
    assert "<b>4</b> in all" in text
    assert "Task 3: <b>" in text
    assert 'http-equiv="refresh"' in text


async def test_a_replica_that_stands_by_shows_what_the_object_says(
    open_page: Callable[..., Any],
) -> None:
    browser = await open_page()
    browser.served.leads = False
    bearer = {"Authorization": "Bearer admin"}
    answer = await browser.get(JOB, **bearer)
    assert (answer.status_code, "This replica stands by" in answer.text) == (200, True)
    assert (await browser.get("/ui/nodes", **bearer)).status_code == 421


async def test_one_namespace_after_the_other_where_not_all_are_served(
    open_page: Callable[..., Any],
) -> None:
    browser = await open_page(namespaces=("ann", "bob"))
    bearer = {"Authorization": "Bearer admin"}
    text = (await browser.get("/ui/", **bearer)).text
    assert '<a href="/ui/?namespace=ann" aria-current="page">ann</a>' in text
    assert (await browser.get("/ui/?namespace=carl", **bearer)).status_code == 404


async def test_more_jobs_than_one_page_has(open_page: Callable[..., Any]) -> None:
    browser = await open_page(JobTable(["Name"], [JobRow("n", "j", ["j"])], "mark=&x"))
    text = (await browser.get("/ui/", Authorization="Bearer admin")).text
    assert "after=mark%3D%26x" in text


async def test_a_list_that_is_too_old_to_go_on_begins_anew(open_page: Callable[..., Any]) -> None:
    browser = await open_page()
    path = f"/ui/?namespace=default&after={OLD_MARK}"
    answer = await browser.get(path, Authorization="Bearer admin")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui/?namespace=default")


async def test_a_journal_that_does_not_answer_is_said(open_page: Callable[..., Any]) -> None:
    browser = await open_page()
    browser.served.journal.broken = True
    answer = await browser.get(f"{JOB}/failures", Authorization="Bearer admin")
    assert (answer.status_code, "the journal cannot be read" in answer.text) == (503, True)


@pytest.mark.parametrize("index", ["-1", "x", "9" * 30])
async def test_an_index_that_is_none_is_refused(open_page: Callable[..., Any], index: str) -> None:
    browser = await open_page()
    answer = await browser.get(f"{JOB}?index={index}", Authorization="Bearer admin")
    assert (answer.status_code, "index must be a whole number." in answer.text) == (400, True)
