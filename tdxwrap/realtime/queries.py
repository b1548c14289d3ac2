"""Query tdx's JSON: each jq filter of the recipe with its JMESPath counterpart.

The tests check that the jq program and the JMESPath expression of each query agree on every
document. Where the recipe compares `.id==$ps`, both compare as text here: some answers carry
numeric ids (F23), and the recipe's wait would never end.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import jmespath


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a JSON document, in both languages.

    Attributes:
        jq: the filter as the recipe has it; `$ps` stands for the parent segment.
        expression: the JMESPath counterpart; `$ps` stands for an escaped JSON literal.
    """

    jq: str
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
HAS_RT_CONFIG = Query(
    jq=".realtime_config != null",
    expression="realtime_config != `null`",
)

# tdx ps rt list --json: [{id, name, status}, ...]                              (recipe, wait)
STATUS_BY_ID = Query(
    jq="[.[] | select((.id|tostring)==$ps) | .status]",
    # A projection would leave out a segment without a status; map() keeps it.
    expression="map(&status, [?to_string(id) == $ps])",
)

# the same, whole entries
SEGMENTS_BY_ID_OR_NAME = Query(
    jq="[.[] | select((.id|tostring)==$ps or .name==$ps) | {id: (.id|tostring), name, status}]",
    expression=(
        "[?to_string(id) == $ps || name == $ps].{id: to_string(id), name: name, status: status}"
    ),
)

# F16, and where other lists of the API have it
NEXT_PAGE = Query(
    jq="[(., (.pagination, .meta, .meta.pagination?, .links)?) | objects"
    " | (.nextPage, .next.href?, .next) | select(. != null)][0]",
    expression="[@, pagination, meta, meta.pagination, links][*].[nextPage, next.href, next][] "
    "| [0]",
)
# Whether there is more, where a list says so in place of a path: a flag, pages, or a whole number
HAS_MORE = Query(
    jq="[(., .pagination, .meta, .meta.pagination?) | objects"
    " | select(.hasMore == true or .hasNextPage == true or"
    " (.currentPage != null and .totalPages != null and .totalPages > .currentPage))] != []",
    expression="[@, pagination, meta, meta.pagination][?hasMore == `true` || hasNextPage == `true`"
    " || totalPages > currentPage] != `[]`",
)
TOTAL = Query(
    jq="[(., .pagination, .meta, .meta.pagination?) | objects"
    " | (.total, .totalCount) | select(. != null)] | max",
    expression="[@, pagination, meta, meta.pagination][*].[total, totalCount][] "
    "| max([?type(@) == 'number'])",
)

# the answer of a POST: {id, ...} or {data: {id, ...}}                                    (F14)
CREATED_ID = Query(
    jq=".data.id // .id",
    expression="not_null(data.id, id)",
)
