"""Families stay apart without colour, and our own stands out."""

from __future__ import annotations

from bench.reports.plots.style import family_styles

FAMILIES = (
    "MobileNetV1", "MobileNetV1_ssld", "MobileNetV2", "MobileNetV2_ssld", "MobileNetV3_large",
    "MobileNetV3_small", "MobileNetV3_small_ssld", "MobileNetV3_large_ssld", "ShuffleNetV2",
    "GhostNet", "GhostNet_ssld", "ESNet",
)  # fmt: skip


def test_no_two_families_share_marker_filling_and_dash() -> None:
    looks = [(s.marker, s.filled, s.dash) for s in family_styles(FAMILIES).values()]

    assert len(set(looks)) == len(FAMILIES)


def test_a_distilled_family_is_the_hollow_twin_of_its_base() -> None:
    styles = family_styles(["GhostNet", "GhostNet_ssld"])

    base, twin = styles["GhostNet"], styles["GhostNet_ssld"]
    assert (base.marker, base.colour) == (twin.marker, twin.colour)
    assert (base.filled, twin.filled) == (True, False)


def test_our_own_family_stands_out_among_the_published_ones() -> None:
    styles = family_styles(FAMILIES)

    assert max(styles, key=lambda name: styles[name].width) == "ShuffleNetV2"
