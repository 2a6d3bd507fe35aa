"""What tests of the CRD share: objects on a real API server, and tables of bad input."""

import json

import pytest

from distributedjob_api import constants
from distributedjob_api.v1alpha1 import parse

PLAIN = "no control characters but tab and newline"
UNCHECKED = "some validation rules were not checked"


class Jobs:
    """Create and change objects in a namespace as strictly as ``kubectl`` does."""

    def __init__(self, control_plane, namespace):
        self._session = control_plane.client.session
        base = f"{control_plane.client.url}/apis/{constants.API_VERSION}"
        self._url = f"{base}/namespaces/{namespace}/{constants.PLURAL}"
        self._strict = {"fieldValidation": "Strict"}

    def create(self, spec, name="job"):
        body = {
            "apiVersion": constants.API_VERSION,
            "kind": constants.KIND,
            "metadata": {"name": name},
            "spec": spec,
        }
        return self._answer(self._session.post(self._url, json=body, params=self._strict))

    def patch(self, spec, name="job"):
        """Merge ``spec`` in; ``None`` removes a field."""
        headers = {"Content-Type": "application/merge-patch+json"}
        url = f"{self._url}/{name}"
        body = json.dumps({"spec": spec})
        return self._answer(
            self._session.patch(url, data=body, headers=headers, params=self._strict)
        )

    def write_status(self, stored, status):
        """Write it as the operator does: whole, on the version that was read."""
        url = f"{self._url}/{stored['metadata']['name']}/status"
        return self._answer(
            self._session.put(url, json=stored | {"status": status}, params=self._strict)
        )

    @staticmethod
    def _answer(response):
        """The object, or the message that ``kubectl`` would show."""
        document = response.json()
        return document if response.ok else document["message"]


def spec(**fields):
    """A valid spec of 100 tasks with these fields set, or left out where ``None``."""
    whole = {"completions": 100, "template": {"command": ["true"]}} | fields
    return {name: value for name, value in whole.items() if value is not None}


def items(*texts):
    return spec(completions=None, items=list(texts))


def items_from(name="my-items", key="items.txt", **fields):
    reference = {"configMapKeyRef": {"name": name, "key": key}}
    return spec(completions=None, itemsFrom=reference, **fields)


def template(**fields):
    return spec(template={"command": ["true"]} | fields)


def env(*variables):
    return template(env=[{"name": name, "value": value} for name, value in variables])


def requests(**quantities):
    return template(resources={"requests": quantities})


def refused(field, remedy, given, *, case):
    """A row of a table of bad input: what is refused, and what the message must say."""
    return pytest.param(given, field, remedy, id=case)


def out_of_bounds(path, rows, make):
    """Rows of bad input for single values: ``(name, value, words)``."""
    return [
        refused(f"{path}.{name}", words, make(**{name: value}), case=f"{name} {value}")
        for name, value, words in rows
    ]


def assert_refused(jobs, given, field, remedy):
    message = jobs.create(given)
    assert isinstance(message, str), "the object was created"
    assert field in message
    assert remedy in message


def assert_taken_and_read(jobs, given):
    created = jobs.create(given)
    assert isinstance(created, dict), created
    return parse(created)
