"""What the API server takes and what it refuses, of all that the cases give it."""

import pytest

from distributedjob_api.rules import VALIDATIONS
from distributedjob_api.schema import structural_schema
from distributedjob_api.v1alpha1 import Spec
from tests.integration.resource_validation.cases import control, outcomes, policies, tasks, template
from tests.support.validation import assert_refused, assert_taken_and_read

TOPICS = (tasks, template, policies, outcomes, control)
REFUSED = [case for topic in TOPICS for case in topic.REFUSED]
ACCEPTED = [
    pytest.param(given, id=case) for topic in TOPICS for case, given in topic.ACCEPTED.items()
]


@pytest.mark.parametrize(("given", "field", "remedy"), REFUSED)
def test_bad_input_is_refused_with_the_field_and_the_remedy(jobs, given, field, remedy):
    assert_refused(jobs, given, field, remedy)


@pytest.mark.parametrize("given", ACCEPTED)
def test_what_the_server_takes_the_operator_can_read(jobs, given):
    assert_taken_and_read(jobs, given)


def rules_within(schema):
    """The message of every rule in a schema, at whatever depth."""
    if isinstance(schema, dict):
        for made in schema.get(VALIDATIONS, []):
            yield made["message"]
        for part in schema.values():
            yield from rules_within(part)


@pytest.mark.parametrize("message", sorted(set(rules_within(structural_schema(Spec)))))
def test_every_rule_has_a_case_or_is_about_changes(message):
    about_changes = "cannot be changed" in message or "cannot be unset" in message
    assert about_changes or any(
        case.values[1] in message and case.values[2] in message for case in REFUSED
    )
