"""The reference of settings, made of the settings classes of the services."""

from typing import Any

_HEAD = """# Settings

Generated from the services' settings by `make gen`. Every setting is an environment variable; a wrong one stops the
service at start with one sentence and exit code 2. What is marked *secret* may also be given as `<VARIABLE>_FILE`,
naming a file that holds it.
"""


def reference(services: dict[str, Any]) -> str:
    """The page; `services` maps a service to what `shared.runtime.settings.described` says of its settings."""
    parts = [_HEAD]
    for service, fields in services.items():
        parts.append(f"\n## {service}\n\n| variable | type | default | meaning |\n|---|---|---|---|\n")
        for field in fields:
            default = "**required**" if field["required"] else f"`{field['default']}`" if field["default"] else ""
            kind = f"{field['type']}, *secret*" if field["secret"] else field["type"]
            parts.append(f"| `{field['variable']}` | {kind} | {default} | {field['meaning']} |\n")
    return "".join(parts)
