"""Is the large result by which the suite's own speed is judged like one of a real run?"""

from collections import Counter

import pytest

from . import pipeline_cost
from .canary import fault_of_canary
from .records import read_result
from .samples import fault_of_entry, fault_of_sample, lines_of

PUBLISHED = sorted((pipeline_cost.ROOT / "results" / "published").glob("*/samples.jsonl"),
                   key=lambda path: path.stat().st_size)


@pytest.mark.skipif(not PUBLISHED, reason="no result is published")
def test_it_has_as_many_samples_as_asked_for_and_each_is_well_formed(tmp_path):
    source = PUBLISHED[0].parent
    samples = 2 * len(pipeline_cost.rows_of(source / "samples.jsonl"))
    assert pipeline_cost.write_large(source, tmp_path, samples) == samples
    for name, fault_of in (("plan.jsonl", fault_of_entry), ("samples.jsonl", fault_of_sample),
                           ("canary.jsonl", fault_of_canary)):
        assert [fault for _, _, fault in lines_of(tmp_path / name, fault_of) if fault] == []
    result = read_result(tmp_path)
    assert result.messages == [] and len(result.samples) == samples
    assert len(result.again()) > 0 and any(s.get("guards") for s in result.samples)
    blocks = Counter((s["cell_id"], s["model"], s["mode"], s["block"]) for s in result.measured())
    assert set(blocks.values()) == {1}
