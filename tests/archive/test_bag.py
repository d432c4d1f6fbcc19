"""The tag files of a BagIt bag."""

from __future__ import annotations

import hashlib

from divere_cli.archive import bag, manifest


def test_lines_of_other_programs_in_bag_info_stay() -> None:
    before = (
        b"Source-Organization: City Archive\nBagging-Date: 2020-01-01\n"
        b"External-Description: a roll\n  of two lines\nPayload-Oxum: 1.1\n"
    )
    after = bag.info(before, day="2026-11-27", agent="divere 1", size=10, count=2).decode()
    assert after.splitlines() == [
        "Bagging-Date: 2026-11-27",
        "Bag-Software-Agent: divere 1",
        "Payload-Oxum: 10.2",
        "Source-Organization: City Archive",
        "External-Description: a roll",
        "  of two lines",
    ]
    again = bag.info(after.encode(), day="2026-11-27", agent="divere 1", size=10, count=2)
    assert again.decode() == after


def test_the_manifest_of_tags() -> None:
    made = bag.tag_manifest({"bagit.txt": b"x"})
    assert manifest.parse(made) == {"bagit.txt": hashlib.sha256(b"x").hexdigest()}
