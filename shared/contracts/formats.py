"""How Kubernetes wants texts to be written, and no stricter: each form is a type of fields and a sentence for people.

Source: `util/validation` of k8s.io/apimachinery and `pkg/apis/*/validation` of k8s.io/kubernetes, release 1.36.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.contracts import cron
from shared.contracts.naming import NAME_MAX, as_label, label

INVALID = "invalid_format"
"""Type of the error that a field raises; its context has `words` and, for a name, what is `meant`."""
_SUBDOMAIN_MAX = 253
_KEY_MAX = _SUBDOMAIN_MAX + 1 + NAME_MAX
_LABEL_PATTERN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DOMAIN = rf"{_LABEL_PATTERN}(\.{_LABEL_PATTERN})*"
_WORD = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_ENDS = "with a letter or digit at both ends"


def _anything(_text: str) -> bool:
    return True


@dataclass(frozen=True)
class Format:
    """A form of texts, as in `Annotated[str, LABEL]`."""

    pattern: str
    """Without look-around, as JSON Schemas of all languages take it; of the whole text."""
    words: str
    """What is wrong with a text that has another form; it never repeats the text, which may be a secret."""
    most: int | None = None
    """Characters."""
    further: Callable[[str], bool] = _anything
    """What the pattern cannot say."""
    meant: Callable[[str], str] | None = None
    """Of a name: the nearest right one."""

    def takes(self, text: str) -> bool:
        """Whether a text has this form."""
        fits = self.most is None or len(text) <= self.most
        return fits and self._compiled.fullmatch(text) is not None and self.further(text)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def _checked(self, text: str) -> str:
        if self.takes(text):
            return text
        meant = "" if self.meant is None else self.meant(text)
        raise PydanticCustomError(INVALID, "{words}", {"words": self.words, "meant": meant})

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the text."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say so in the schema."""
        most = {} if self.most is None else {"maxLength": self.most}
        return {**handler(schema), "pattern": f"^({self.pattern})$", **most}


def _prefix_fits(key: str) -> bool:
    return len(key.rpartition("/")[0]) <= _SUBDOMAIN_MAX


def _is_no_address(host: str) -> bool:
    return not _is_address(host)


def _is_address(text: str) -> bool:
    """Leading zeros are none of our business: older API servers take them."""
    try:
        ipaddress.ip_address(re.sub(r"(?<![0-9a-fA-F:])0+(?=[0-9])", "", text))
    except ValueError:
        return False
    return "%" not in text


def _no_steps_back(path: str) -> bool:
    return ".." not in path.split("/")


LABEL = Format(
    _LABEL_PATTERN,
    f"is no DNS label: at most 63 lower-case letters, digits and '-', {_ENDS}",
    NAME_MAX,
    meant=as_label,
)
VOLUME_NAME_PART = Format(
    "[-.a-z0-9]+",
    "is no part of a volume's name: lower-case letters, digits, '-' and '.', with a letter or digit at the end",
    further=lambda part: LABEL.takes(label(f"x-{part}")),
)
SUBDOMAIN = Format(
    _DOMAIN, f"is no DNS name: at most 253 lower-case letters, digits, '-' and '.', {_ENDS}", _SUBDOMAIN_MAX
)
OBJECT_NAME = Format(
    SUBDOMAIN.pattern,
    f"is no name of an object: at most 253 lower-case letters, digits, '-' and '.', {_ENDS}",
    _SUBDOMAIN_MAX,
    meant=as_label,
)
PATH_SEGMENT = Format(
    r"[^/%.][^/%]*|\.[^/%.][^/%]*|\.\.[^/%]+", "is no name: it must not be '.' or '..', nor contain '/' or '%'"
)
LABEL_KEY = Format(
    f"({_DOMAIN}/)?{_WORD}",
    f"is no label key: at most 63 letters, digits, '-', '_' and '.', {_ENDS}, after a DNS name and '/' if wanted",
    _KEY_MAX,
    further=_prefix_fits,
)
LABEL_VALUE = Format(
    f"({_WORD})?", f"is no label value: at most 63 letters, digits, '-', '_' and '.', {_ENDS}", NAME_MAX
)
ANNOTATION_KEY = Format(
    f"({_DOMAIN.replace('a-z', 'A-Za-z')}/)?{_WORD}",
    f"is no annotation key: at most 63 letters, digits, '-', '_' and '.', {_ENDS}, after a DNS name and '/' if wanted",
    _KEY_MAX,
    further=_prefix_fits,
)
DATA_KEY = Format(
    r"\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*",
    "is no key of data: at most 253 letters, digits, '-', '_' and '.', and not '..' at its beginning",
    _SUBDOMAIN_MAX,
)
VARIABLE = Format("[ -<>-~]+", "is no name of an environment variable: printable ASCII characters other than '='")
VARIABLE_PREFIX = Format(
    "[ -<>-~]*", "is no prefix of environment variables: printable ASCII characters other than '='"
)
POD_FIELD = Format(
    r"metadata\.(name|namespace|uid)|spec\.(nodeName|host|serviceAccountName)|status\.(hostIPs?|podIPs?)"
    rf"|metadata\.labels\['({LABEL_KEY.pattern})'\]|metadata\.annotations\['({ANNOTATION_KEY.pattern})'\]",
    "is no field that a variable can be of: metadata.name, .namespace, .uid, .labels['<key>'], .annotations['<key>'],"
    " spec.nodeName, .serviceAccountName, status.hostIP, .hostIPs, .podIP, .podIPs",
)
"""Of a pod, in the downward API."""
PORT_NAME = Format(
    "([0-9]+-)*[0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*",
    "is no name of a port: at most 15 lower-case letters, digits and single '-', at least one letter,"
    " and a letter or digit at both ends",
    15,
)
HOST = Format(
    rf"(\*\.)?{_DOMAIN}",
    "is no host: a DNS name in lower case such as shop.example, or *.shop.example, and no address",
    _SUBDOMAIN_MAX,
    further=_is_no_address,
)
CERTIFICATE_HOST = Format(
    HOST.pattern, "is no host: a DNS name in lower case such as shop.example, or *.shop.example", _SUBDOMAIN_MAX
)
ADDRESS = Format("[0-9a-fA-F:.]+", "is no IP address", further=_is_address)
HEADER = Format("[-A-Za-z0-9]+", "is no name of an HTTP header: letters, digits and '-'")
SUB_PATH = Format(r"([^/][\s\S]*)?", "must be a relative path without '..'", further=_no_steps_back)
FILE_PATH = Format(r"[^/.][\s\S]*|\.([^.][\s\S]*)?", "must be a relative path without '..'", further=_no_steps_back)
NODE_PATH = Format(r"[\s\S]+", "must be a path without '..'", further=_no_steps_back)
QUANTITY = Format(
    r"(\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)|-(0+(\.0*)?|\.0+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?",
    "is no amount such as 500m or 2Gi",
)
SIZE = Format("[1-9][0-9]{0,63}(E|P|T|G|M|Ei|Pi|Ti|Gi|Mi|Ki)", "is no size such as 8Gi: a whole number and a unit")
NUMBER_OR_PERCENTAGE = Format("[0-9]+%?", "is neither a whole number nor a percentage such as 25%")
SCHEDULE = Format(
    r"@(yearly|annually|monthly|weekly|daily|midnight|hourly)|@every [\s\S]+|\s*[^@\s]\S*(\s+\S+){4}\s*",
    "is no schedule such as '0 3 * * *': minute, hour, day, month and day of the week (0 to 6), or @daily and the like",
    further=lambda text: text.startswith("@") or cron.takes_fields(text),
)
RESOURCE = Format(
    f"cpu|memory|ephemeral-storage|hugepages-[0-9]+[A-Za-z]*|{_DOMAIN}/{_WORD}",
    "is no resource of containers: cpu, memory, ephemeral-storage, hugepages-<size>, or <domain>/<name>",
    _KEY_MAX,
    further=_prefix_fits,
)
