import pytest

from harness.errors import SourceUnavailable
from harness.sources.sql_limits import ResultLimits


def test_rows_up_to_both_limits_are_given_by_column() -> None:
    limits = ResultLimits(max_rows=2, max_bytes=4)
    assert limits.wanted == 3
    assert limits.apply(["a", "b"], [("xy", 1), ("zw", None)]) == [
        {"a": "xy", "b": 1},
        {"a": "zw", "b": None},
    ]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("x", 1)] * 3, "more than DATA_MAX_ROWS=2"),
        ([("xyz", 1), ("zw", 1)], "more than DATA_MAX_BYTES=4"),
        ([(b"xyzvw", 1)], "more than DATA_MAX_BYTES=4"),
    ],
)
def test_more_is_refused_whole_so_that_no_part_is_told_as_everything(
    rows: list[tuple[object, int]], told: str
) -> None:
    with pytest.raises(SourceUnavailable, match=told):
        ResultLimits(max_rows=2, max_bytes=4).apply(["a", "b"], rows)
