"""Query tdx's JSON: the JMESPath counterparts of the jq filters of the recipe.

The tests check that each agrees with its jq program on every document. Where the recipe compares
`.id==$ps`, both compare as text here: some answers carry numeric ids (F23), and the recipe's wait
would never end.
"""

import json
from dataclasses import dataclass
from typing import Any

import jmespath


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a JSON document, in JMESPath; `$ps` stands for an escaped JSON literal."""

    expression: str

    def search(self, document: Any, ps: str | None = None) -> Any:
        """Search a document; `ps` is the id or name that `$ps` stands for.

        jmespath keeps compiled expressions, so each is compiled once.
        """
        expression = self.expression if ps is None else self.expression.replace("$ps", literal(ps))
        return jmespath.search(expression, document)


def literal(text: str) -> str:
    """Any text as a JMESPath JSON literal. Nothing in it can end the literal (F23)."""
    return "`" + json.dumps(text).replace("`", "\\u0060") + "`"


# tdx ps view <ps> --json: {realtime_config: null | {...}}                      (recipe, 7a)
HAS_RT_CONFIG = Query("realtime_config != `null`")

# tdx ps rt list --json: [{id, name, status}, ...]                              (recipe, wait)
# A projection would leave out a segment without a status; map() keeps it.
STATUS_BY_ID = Query("map(&status, [?to_string(id) == $ps])")

# the same, whole entries
SEGMENTS_BY_ID_OR_NAME = Query(
    "[?to_string(id) == $ps || name == $ps].{id: to_string(id), name: name, status: status}"
)

# F16, and where other lists of the API have it
NEXT_PAGE = Query(
    "[@, pagination, meta, meta.pagination, links][*].[nextPage, next.href, next][] | [0]"
)
# Whether there is more, where a list says so in place of a path: a flag, pages, or a whole number
HAS_MORE = Query(
    "[@, pagination, meta, meta.pagination][?hasMore == `true` || hasNextPage == `true`"
    " || totalPages > currentPage] != `[]`"
)
TOTAL = Query(
    "[@, pagination, meta, meta.pagination][*].[total, totalCount][] | max([?type(@) == 'number'])"
)

# the answer of a POST: {id, ...} or {data: {id, ...}}                                    (F14)
CREATED_ID = Query("not_null(data.id, id)")
