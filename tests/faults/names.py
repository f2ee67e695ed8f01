"""What a name must not be: each would be a separator, a wildcard, a path or a look-alike behind the gateway."""

from tests.faults.sound import FIRST, Rule, policy, web

_ODD_NAMES = {
    "wildcard": "*",
    "full wildcard": ">",
    "wildcard inside": "web*",
    "tokens": "a.b.>",
    "dot": ".",
    "dots": "..",
    "path": "../etc/passwd",
    "upper case": "Web",
    "underscore": "a_b",
    "blank": "a b",
    "tab": "a\tb",
    "line break": "web\n",
    "NUL": "a\x00b",
    "escape": "a\x1b[0m",
    "look-alike": "w\u0435b",
    "full width": "\uff57\uff45\uff42",
    "zero width": "web\u200b",
    "right to left": "\u202ebew",
    "combining": "we\u0301b",
    "emoji": "web\U0001f600",
    "dash first": "-web",
    "dash last": "web-",
    "equals": "web=pvc=x",
    "percent": "%2e%2e",
    "quote": "web'\"`",
    "template": "{{web}}",
    "dollar": "$where",
    "too long": "w" * 64,
    "much too long": "w" * 100_000,
    "empty": "",
}
NAMES: list[Rule] = [
    *((f"component: {k}", "InvalidFormat", f"{FIRST}.name", [web(v)], {}) for k, v in _ODD_NAMES.items()),
    *(
        (
            f"application: {k}",
            "TooLong" if len(v) > 63 else "InvalidFormat",
            "metadata.name",
            [web()],
            {"metadata": {"name": v}},
        )
        for k, v in _ODD_NAMES.items()
    ),
    *(
        (f"namespace: {k}", "InvalidFormat", "metadata.namespace", [web()], {"metadata": {"namespace": v}})
        for k, v in {**_ODD_NAMES, "dotted": "a.b"}.items()
    ),
    *(
        (
            f"cluster: {k}",
            "TooLong" if len(v) > 253 else "InvalidFormat",
            "spec.policies[0].properties.clusters[0]",
            [web()],
            policy(properties={"clusters": [v]}),
        )
        for k, v in _ODD_NAMES.items()
        if k != "too long"
    ),
    ("label key", "InvalidFormat", 'metadata.labels["a b"]', [web()], {"metadata": {"labels": {"a b": "c"}}}),
    ("label value", "InvalidFormat", "metadata.labels.a", [web()], {"metadata": {"labels": {"a": "b c"}}}),
    ("label is a number", "WrongType", "metadata.labels.a", [web()], {"metadata": {"labels": {"a": 1}}}),
    ("name is a number", "WrongType", "metadata.name", [web()], {"metadata": {"name": 7}}),
    ("name is null", "Required", "metadata.name", [web()], {"metadata": {"name": None}}),
]
