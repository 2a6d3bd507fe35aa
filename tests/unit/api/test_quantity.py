"""Quantities mean what they mean in a pod."""

import pytest

from distributedjob_api.quantity import QuantityError, cpu_millis, memory_bytes, parse_quantity


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("1", 1000),
        ("0.5", 500),
        (".5", 500),
        ("2.", 2000),
        ("500m", 500),
        ("+250m", 250),
        ("1e3", 1_000_000),
        ("1E-3", 1),
        ("2k", 2_000_000),
        ("0.1m", 1),
        ("1u", 1),
        ("1500001n", 2),
        ("0", 0),
    ],
)
def test_cpu_is_in_millicores_rounded_up(text, millis):
    assert cpu_millis(text) == millis


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64", 64),
        ("1Ki", 1024),
        ("1.5Gi", 1_610_612_736),
        ("1G", 1_000_000_000),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("1m", 1),
    ],
)
def test_memory_is_in_bytes_rounded_up(text, size):
    assert memory_bytes(text) == size


@pytest.mark.parametrize(
    "text", ["", "cpu", "-1", "1.2.3", "1 m", "1Mi2", "0x10", "1e", "1e999", "NaN", "1,5", "٣"]
)
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(QuantityError, match="write something like 500m"):
        parse_quantity(text)
