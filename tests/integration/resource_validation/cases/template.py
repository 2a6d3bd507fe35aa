"""What tasks run and occupy: what the API server takes and what it refuses."""

from tests.support.validation import PLAIN, env, refused, requests, spec, template


def variable(value_from, **fields):
    return template(env=[{"name": "A", "valueFrom": value_from} | fields])


REFUSED = [
    refused("spec.template", "Required value", spec(template=None), case="no template"),
    refused("spec.template.command", "Required value", spec(template={}), case="no command"),
    refused(
        "command must begin with the program",
        'write something like ["/bin/true"]',
        template(command=[]),
        case="empty command",
    ),
    refused(
        "command must begin with the program",
        'write something like ["/bin/true"]',
        template(command=["", "x"]),
        case="empty program",
    ),
    refused(
        "template.command", "at most 1024", template(command=["a"] * 1025), case="command list"
    ),
    refused("template.args", "at most 1024", template(args=["a"] * 1025), case="argument list"),
    refused(
        "template.args[0]", "more than 32768", template(args=["a" * 32_769]), case="long argument"
    ),
    refused(
        "command, args and env must not exceed 65536 characters",
        "put a long script into a file",
        template(args=["a" * 30_000] * 2, env=[{"name": "A", "value": "a" * 6000}]),
        case="oversize template in all",
    ),
    *(
        refused(
            "spec.template.command[1]", PLAIN, template(command=["a", f"b{character}"]), case=case
        )
        for case, character in {
            "NUL in command": "\x00",
            "escape in command": "\x1b",
            "carriage return in command": "\r",
            "DEL in command": "\x7f",
        }.items()
    ),
    refused("spec.template.args[0]", PLAIN, template(args=["\x00"]), case="NUL in args"),
    refused("spec.template.env[0].value", PLAIN, env(("A", "\x00")), case="NUL in a value"),
    *(
        refused("variable's name must not contain", "write letters", env((name, "")), case=case)
        for case, name in {
            "equals sign in a variable": "A=B",
            "NUL in a variable": "A\x00",
            "newline in a variable": "A\n",
        }.items()
    ),
    *(
        refused("the worker sets these", "choose another name", env((name, "")), case=case)
        for case, name in {
            "a variable of ours": "DJOB_INDEX",
            "the variable of Indexed Jobs": "JOB_COMPLETION_INDEX",
        }.items()
    ),
    refused("template.env[0].name", "at least 1 chars", env(("", "")), case="nameless variable"),
    refused("env[0].name", "may not be more than 256", env(("A" * 257, "")), case="long variable"),
    refused("env[0].value", "more than 32768", env(("A", "a" * 32_769)), case="long value"),
    refused(
        "template.env[1]", "Duplicate value", env(("A", "1"), ("A", "2")), case="same variable"
    ),
    refused(
        "template.env",
        "at most 256",
        env(*((f"A{i}", "") for i in range(257))),
        case="too many variables",
    ),
    *(
        refused(
            "workingDir must be an absolute path",
            "write something like /srv/data",
            template(workingDir=path),
            case=case,
        )
        for case, path in {"relative path": "srv", "newline in a path": "/srv\n"}.items()
    ),
    refused(
        "template.workingDir",
        "may not be more than 4096",
        template(workingDir="/" * 4097),
        case="long path",
    ),
    *(
        refused(
            "cpu must be a quantity above 0",
            "write cores such as 2",
            requests(cpu=given),
            case=case,
        )
        for case, given in {
            "no CPU": 0,
            "no CPU as text": "0m",
            "negative CPU": -1,
            "negative CPU as text": "-500m",
            "more CPU than any machine": 10_001,
            "more CPU than any machine as text": "11k",
            "no quantity": "much",
            "blank in a quantity": "1 m",
            "an exponent that would fill memory": "1e999999999",
        }.items()
    ),
    refused(
        "requests.cpu",
        "must be of type integer,string",
        requests(cpu=0.5),
        case="fraction as number",
    ),
    refused(
        "requests.cpu", "may not be more than 32", requests(cpu="1" * 33), case="long quantity"
    ),
    *(
        refused(f"spec.template.{name}", words, template(**{name: value}), case=f"{name} {value}")
        for name, value, words in [
            ("timeoutSeconds", 0, "greater than or equal to 1"),
            ("timeoutSeconds", 31_536_001, "less than or equal to 31536000"),
            ("terminationGracePeriodSeconds", -1, "greater than or equal to 0"),
            ("terminationGracePeriodSeconds", 3601, "less than or equal to 3600"),
        ]
    ),
    # Variables from elsewhere.
    refused(
        "value must not be set beside valueFrom",
        "keep one of them",
        variable({"fieldRef": {"fieldPath": "metadata.uid"}}, value="1"),
        case="two values",
    ),
    *(
        refused(
            "valueFrom.fieldRef.fieldPath",
            '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName"',
            variable({"fieldRef": {"fieldPath": path}}),
            case=case,
        )
        for case, path in {
            "a field of pods alone": "status.podIP",
            "no field": "",
            "a label": "metadata.labels['a']",
        }.items()
    ),
    refused("valueFrom.fieldRef", "Required value", variable({}), case="a value from nowhere"),
    refused(
        'unknown field "spec.template.env[0].valueFrom.secretKeyRef"',
        "",
        variable({"secretKeyRef": {"name": "a", "key": "b"}}),
        case="a value from a Secret",
    ),
    # Memory.
    *(
        refused(
            "memory must be a quantity of bytes",
            "write something like 512Mi",
            requests(memory=given),
            case=case,
        )
        for case, given in {
            "no memory": 0,
            "no memory as text": "0",
            "half a byte": "512m",
            "negative memory": -1,
            "more memory than any machine": 2**50 + 1,
            "more memory than any machine as text": "1Ei",
            "no quantity of memory": "512MB",
            "memory that would fill memory": "1e999999999",
        }.items()
    ),
    refused("requests.memory", "may not be more than 32", requests(memory="1" * 33), case="digits"),
    # Fields of no version.
    refused('unknown field "spec.complettions"', "", spec(complettions=1), case="misspelt field"),
    refused(
        'unknown field "spec.template.shell"', "", template(shell=True), case="unknown nested field"
    ),
]

ACCEPTED = {
    "the largest template": template(args=["a" * 32_000, "b" * 32_000]),
    "the most arguments": template(command=["a"] * 1024, args=["a"] * 1024),
    "tab, newline and other scripts in arguments": template(
        command=["sh", "-c", "a\t&&\nb é 日 🎉"]
    ),
    "any printable variable": env(("a.b-c", "x=y")),
    **{
        f"a variable from {path}": variable({"fieldRef": {"fieldPath": path}})
        for path in ("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName")
    },
    **{
        f"cpu {given!r}": requests(cpu=given)
        for given in (1, 10_000, "500m", "0.5", ".5", "2.", "+1", "1e3", "1E-3", "1k", "1u", "0.1m")
    },
    **{
        f"memory {given!r}": requests(memory=given)
        for given in (1, 2**50, "1", "1000m", "1.5Gi", "1Pi", "128974848", "129e6")
    },
}
