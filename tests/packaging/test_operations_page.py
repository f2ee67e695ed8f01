"""What operators are told about metrics is what there is."""

import re

from dev.repo.tree import ROOT

_MADE = re.compile(r'metrics\.(counter|gauge|histogram)\(\s*"([a-z_]+)"')
_TOLD = re.compile(r"^\| `(kubemin_[a-z_]+)` \| (counter|gauge|histogram)\b", re.MULTILINE)


def test_the_page_tells_every_metric_and_no_other() -> None:
    made = {
        (f"kubemin_{name}_total" if kind == "counter" else f"kubemin_{name}", kind)
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for kind, name in _MADE.findall(path.read_text("utf-8"))
    }
    assert len(made) > 10
    assert set(_TOLD.findall((ROOT / "docs" / "operations" / "README.md").read_text("utf-8"))) == made
