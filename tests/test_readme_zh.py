"""The Chinese README has the commands of the English one, block by block, and its links.

``python -m tests.test_readme_zh`` takes the blocks over from README.md (``make docs`` does);
the words between them have to be translated by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh.md"
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(page: Path) -> list[str]:
    """Return the blocks of code of a page, in their order."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def commands(page: Path) -> set[str]:
    """Return what stands between backticks and is a command or an option."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    return {
        each for each in re.findall(r"`([^`\n]+)`", text) if re.match(r"-|divere|make|pip", each)
    }


def test_every_block_of_code_is_that_of_the_english_page() -> None:
    assert blocks(CHINESE) == blocks(ENGLISH), "run: make docs"
    assert blocks(ENGLISH)


def test_every_command_and_option_that_is_named_here_is_named_there_or_on_a_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    for command in commands(CHINESE) - commands(ENGLISH):
        for word in re.findall(r"--[a-z-]+|^divere [a-z]+", command):
            assert word in pages, command
    missing = commands(ENGLISH) - commands(CHINESE)
    assert not missing, f"README.md has these, README.zh.md not yet: {sorted(missing)}"


def test_every_page_that_the_english_one_names_is_named_here() -> None:
    def links(page: Path) -> set[str]:
        return set(LINK.findall(page.read_text(encoding="utf-8")))

    missing = links(ENGLISH) - {"README.zh.md"} - links(CHINESE)
    assert not missing, f"README.md leads to these, README.zh.md not yet: {sorted(missing)}"
    for target in links(CHINESE):
        assert (ROOT / target.partition("#")[0]).exists(), target


def main() -> None:
    """Take the blocks of code over."""
    ours, theirs = blocks(ENGLISH), blocks(CHINESE)
    if len(ours) != len(theirs):
        raise SystemExit("README.md has another number of blocks: translate what is new first")
    fresh = iter(ours)
    text = CHINESE.read_text(encoding="utf-8")
    CHINESE.write_text(BLOCK.sub(lambda _: next(fresh), text), encoding="utf-8")


if __name__ == "__main__":
    main()
