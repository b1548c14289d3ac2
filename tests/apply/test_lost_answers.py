"""The second look after a lost answer knows what was created, however the API writes it (F22)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence

from support.inprocess import InProcessTdx, account

from tdxwrap.apply.steps import Settings, carry_out
from tdxwrap.config.models import RtConfig
from tdxwrap.plan.course import Course
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry

EVENT = {"name": "プレビュー", "table": "web.t"}
SCENARIO = {
    "databases": {"web": {"t": {"x": "string"}}},
    "segments": [{"id": "394649", "name": "Customer 360"}],
}
LOST = (1, b"", b"Error: read ECONNRESET")


class DecomposingTdx(InProcessTdx):
    """Loses the answer of every create, and answers in Unicode normal form D."""

    def _process(self, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
        code, out, err = super()._process(args, limit)
        if "POST" in args:
            return LOST
        is_json = out.startswith((b"{", b"["))
        text = json.dumps(json.loads(out), ensure_ascii=False) if is_json else out.decode()
        return code, unicodedata.normalize("NFD", text).encode(), err


def test_a_name_in_another_normal_form_is_found_after_a_lost_answer() -> None:
    with account(SCENARIO) as there:
        tdx = DecomposingTdx(there.world)
        plan = there.plan(RtConfig.model_validate({"key_events": [EVENT]}))
        retry = Retry(retries=2, sleep=lambda seconds: None)
        carry_out(
            Course(plan), Realtime(tdx), retry, Settings(baseline=there.folder / "rt_config.yaml")
        )

        created = [call.body["name"] for call in there.world.writes() if call.method == "POST"]
        assert created == ["プレビュー"]
        assert len(there.live().key_events) == 1
