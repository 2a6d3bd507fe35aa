"""What the stories about users stand on."""

from tests.e2e.users import reach_role


def test_the_documented_role_lets_nobody_do_more_than_reach_the_operator():
    rules = {tuple(rule["resources"]): rule for rule in reach_role()["rules"]}
    assert {resources: rule["verbs"] for resources, rule in rules.items()} == {
        ("leases",): ["get"], ("pods",): ["get"], ("pods/portforward",): ["create", "get"],
    }  # fmt: skip
    assert rules["leases",]["resourceNames"] == ["distributedjob"]
