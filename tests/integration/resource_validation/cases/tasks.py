"""How many tasks and which of them: what the API server takes and what it refuses."""

from tests.support.validation import PLAIN, items, items_from, refused, spec

REFUSED = [
    refused(
        "exactly one of completions, items and itemsFrom",
        "write completions: 100",
        spec(completions=None),
        case="neither completions nor items",
    ),
    refused(
        "exactly one of completions, items and itemsFrom",
        "write completions: 100",
        spec(items=["a"]),
        case="both completions and items",
    ),
    refused("spec.completions", "greater than or equal to 1", spec(completions=0), case="no task"),
    refused(
        "spec.completions", "greater than or equal to 1", spec(completions=-5), case="negative"
    ),
    refused(
        "spec.completions",
        "less than or equal to 1000000",
        spec(completions=1_000_001),
        case="more tasks than a status can hold",
    ),
    refused(
        "spec.completions", "must be of type integer", spec(completions="9"), case="text count"
    ),
    refused("spec.items", "at least 1 items", items(), case="no items"),
    refused("spec.items", "at most 20000 items", items(*["a"] * 20_001), case="too many items"),
    refused("spec.items[0]", "may not be more than 4096", items("a" * 4097), case="long item"),
    refused(
        "items must not exceed 102400 characters",
        "put them into a ConfigMap",
        items(*["a" * 4096] * 26),
        case="oversize items in all",
    ),
    refused("spec.items[1]", PLAIN, items("a", "b\x00"), case="NUL in an item"),
    # Which of them.
    *(
        refused(
            "indexes must be indexes and ranges joined by commas",
            "write something like 0-99,200",
            spec(indexes=text),
            case=case,
        )
        for case, text in {
            "empty indexes": "",
            "a word for indexes": "all",
            "negative index": "-1",
            "comma at the end of indexes": "1,",
            "leading zero": "01",
            "eight digits": "12345678",
        }.items()
    ),
    *(
        refused(
            "indexes must ascend, without backward or overlapping ranges",
            "write something like 0-99,200",
            spec(indexes=text),
            case=case,
        )
        for case, text in {
            "backward range": "9-3",
            "descending indexes": "5,3",
            "overlapping ranges": "0-9,5-20",
        }.items()
    ),
    *(
        refused("indexes must be below completions", "write 99 at most", given, case=case)
        for case, given in {
            "index beyond completions": spec(indexes="0-100"),
            "index beyond the items": items("a", "b") | {"indexes": "2"},
        }.items()
    ),
    refused("spec.indexes", "may not be more than 65536", spec(indexes="1" * 65_537), case="long"),
    # Where the items stand.
    *(
        refused(
            "exactly one of completions, items and itemsFrom",
            "write completions: 100",
            given,
            case=case,
        )
        for case, given in {
            "completions beside itemsFrom": items_from() | {"completions": 1},
            "items beside itemsFrom": items_from() | {"items": ["a"]},
        }.items()
    ),
    refused(
        "spec.itemsFrom.configMapKeyRef",
        "Required value",
        spec(completions=None, itemsFrom={}),
        case="items from nowhere",
    ),
    refused(
        "spec.itemsFrom.configMapKeyRef.key",
        "Required value",
        spec(completions=None, itemsFrom={"configMapKeyRef": {"name": "a"}}),
        case="items from no key",
    ),
    *(
        refused(
            "name must be that of a ConfigMap",
            "write something like my-items",
            items_from(name),
            case=case,
        )
        for case, name in {
            "nameless ConfigMap": "",
            "path for a ConfigMap": "../etc",
            "capitals in a ConfigMap": "Items",
            "ConfigMap that ends in a dot": "a.",
        }.items()
    ),
    *(
        refused(
            "key must be one that a ConfigMap can have",
            "write something like items.txt",
            items_from(key=key),
            case=case,
        )
        for case, key in {
            "empty key": "",
            "path for a key": "a/b",
            "blank in a key": "a b",
            "a dot for a key": ".",
            "a key that leads up": "..",
        }.items()
    ),
    refused("configMapKeyRef.name", "more than 253", items_from("a" * 254), case="long name"),
    refused("configMapKeyRef.key", "more than 253", items_from(key="a" * 254), case="long key"),
]

LARGEST_ITEMS = ["é" * 5] * 20_000
LARGEST_INDEXES = ",".join(str(i) for i in range(1, 200_001, 12))[:65_534].rpartition(",")[0]

ACCEPTED = {
    "nothing but the required": spec(),
    "the most tasks": spec(completions=1_000_000),
    "the most items": items(*LARGEST_ITEMS),
    "the largest items": items(*["a" * 4096] * 25),
    "the longest indexes": spec(completions=1_000_000, indexes=LARGEST_INDEXES),
    "indexes with blanks": spec(indexes=" 0-3 , 7,8-8 "),
    "indexes that end in blanks": spec(indexes="0, 99  "),
    "indexes of items": items("a", "b") | {"indexes": "1"},
    "tab and newline in an item": items("a\tb\n"),
    "items from a ConfigMap": items_from("my.items-1", "a_B.c-1"),
    "indexes of items that are not known yet": items_from(indexes="0-999999"),
}
