"""All that a command may ask about the call it belongs to."""

from __future__ import annotations

import time

from tdxwrap.fake import identity as who

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from tdxwrap.fake.args import Invocation
    from tdxwrap.fake.identity import Identity
    from tdxwrap.fake.jsontypes import Json
    from tdxwrap.fake.store import Store


class Context:
    """One call: its command line, its settings and its identity."""

    __slots__ = ("as_of", "environ", "identity", "invocation", "settings", "store")

    def __init__(
        self, store: Store, invocation: Invocation, settings: Json, environ: Mapping[str, str]
    ) -> None:
        self.store = store
        self.invocation = invocation
        self.settings = settings
        self.environ = environ
        self.as_of: float | None = None
        lag = settings["tdx"]["lag_seconds"]
        if lag and invocation.command == "api" and invocation.method == "GET":
            self.as_of = time.time() - lag
        self.identity: Identity = who.identify(store, invocation, settings, environ)

    @property
    def tdx(self) -> Json:
        """The `tdx` section of the scenario."""
        section: Json = self.settings["tdx"]
        return section

    @property
    def now(self) -> float:
        """The time of the wall clock."""
        return time.time()

    def load_data(self) -> Json:
        """Everything that the accounts hold, as far as a reader sees it: reads may lag behind."""
        data: Json = self.store.load_data(self.as_of)
        return data

    def account(self, data: Json) -> Json:
        """The caller's account as seen from the site that is asked (tdx-facts F17).

        Another site holds nothing of this account: everything is simply not found there.
        """
        account: Json = data["accounts"][who.authenticate(self.identity, self.settings)]
        if self.tdx["open"] or self.identity.site in (None, account["site"]):
            return account
        return {"site": self.identity.site, "databases": {}, "segments": []}
