"""Fair division, as pure arithmetic."""

from collections import Counter
from collections.abc import Sequence


def max_min(capacity: int, demands: Sequence[int]) -> list[int]:
    """Divide ``capacity`` so that nobody gets more than asked and the least get most.

    Max-min fairness (Bertsekas and Gallager, *Data Networks*, §6.5.2): whoever asks
    for less than an equal part is satisfied, the others share the rest equally. A
    remainder goes to the first in order, one each.
    """
    grants = [0] * len(demands)
    hungry = sorted((demand, position) for position, demand in enumerate(demands) if demand > 0)
    left = capacity
    for served, (demand, position) in enumerate(hungry):
        part = -(-left // (len(hungry) - served))
        grants[position] = min(demand, part)
        left -= grants[position]
    return grants


def level(supply: int, held: Sequence[int], limits: Sequence[int]) -> list[int]:
    """Hand out ``supply`` units so that the fullest end up as level as can be.

    Args:
        supply: units to hand out.
        held: what each one holds already.
        limits: the most each one may hold afterwards.

    Returns:
        How many each one gets. Levels are compared relative to the limits, so that
        a worker twice the size gets twice as much.
    """
    gains = [0] * len(held)
    # Workers are mostly alike: what one needs is reckoned once for all that are.
    alike = Counter(zip(held, limits, strict=True))
    room = sum(count * max(0, limit - have) for (have, limit), count in alike.items())
    if supply >= room:
        return [max(0, limit - have) for have, limit in zip(held, limits, strict=True)]
    if supply <= 0:
        return gains
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        needed = sum(
            count * max(0, int(limit * middle) - have) for (have, limit), count in alike.items()
        )
        if needed > supply:
            high = middle
        else:
            low = middle
    for position, (have, limit) in enumerate(zip(held, limits, strict=True)):
        gains[position] = max(0, int(limit * low) - have)
    left = supply - sum(gains)
    # The remainder goes one by one to the emptiest, relative to its size.
    order = sorted(
        (position for position, limit in enumerate(limits) if held[position] < limit),
        key=lambda position: ((held[position] + gains[position]) / limits[position], position),
    )
    while left > 0:
        for position in order:
            if left and held[position] + gains[position] < limits[position]:
                gains[position] += 1
                left -= 1
    return gains
