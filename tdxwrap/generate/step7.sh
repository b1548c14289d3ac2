#!/usr/bin/env bash
# @about
#
# Needs tdx and jq. It stops at the first call that fails. Exit codes: 3 (tdx, jq or a login is
# missing), 4 (no such RT-enabled parent segment), 5 (a call failed), 6 (not ready, or validation
# failed), 130 (interrupted). Run it again to continue.
set -euo pipefail

TDX=${TDX:-tdx}                    # which tdx to run
WAIT_TIMEOUT=${WAIT_TIMEOUT:-600}  # seconds to wait for the status ok; it usually takes 30-90
WAIT_PAUSE=${WAIT_PAUSE:-10}       # seconds between two polls

# What `tdx use` selected belongs to the shell that starts this script.
export TDX_SESSION=${TDX_SESSION:-$PPID}
# What could turn the text of a terminal around.
visible='gsub("[\u202a-\u202e\u2066-\u2069]"; "\ufffd")'
export NO_COLOR=1 NO_UPDATE_NOTIFIER=1 FORCE_COLOR=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'fail 130 "interrupted; run it again to continue"' INT
answer=$work/answer.json

fail() {
  printf '❌ %s\n' "${at:+$at: }$2" >&2
  exit "$1"
}

# tdx must not wait for an answer to a question.
tdx() {
  command "$TDX"@options "$@" </dev/null
}

# run ARGUMENT...: call tdx. Its answer goes to the file $answer: tdx truncates output to a pipe
# after 64 KiB.
run() {
  if ! tdx "$@" >"$answer"; then
    cat "$answer" >&2
    fail 5 "failed: tdx $1 $2"
  fi
}

# check ARGUMENT...: fail if the answer is an error; an error may come with exit code 0.
check() {
  complaint=$(jq -r 'objects
    | if ((.errors // []) | length) > 0 then .errors
      elif .id // .data then empty
      else .error // (if has("code") then .message else empty end) // empty end
    | tojson | '"$visible" "$answer") ||
    fail 5 "did not answer JSON: tdx $1 $2"
  [ -z "$complaint" ] || fail 5 "failed: tdx $1 $2: $complaint"
}

# call ARGUMENT...: call tdx for JSON.
call() {
  run "$@"
  [ -s "$answer" ] || fail 5 "no answer: tdx $1 $2"
  check "$@"
}

# keep_baseline: save what is configured to rt_config.yaml before the first change; to
# rt_config.yaml.1, .2, ... if there is such a file, which stays as it is.
keep_baseline() {
  baseline=rt_config.yaml
  n=1
  while [ -e "$baseline" ]; do
    baseline=rt_config.yaml.$n
    n=$((n + 1))
  done
  if [ "$rt_config_exists" = "false" ]; then
    run ps pz init "$ps" -o "$baseline"
  else
    run ps pull "$ps" -o "$baseline"
  fi
  echo "baseline: $baseline"
}

# send METHOD PATH BODY: send one request. A body too long for an argument goes through a file.
send() {
  [ -n "$baseline" ] || keep_baseline
  printf '%s' "$3" >"$work/body.json"
  data=(--data "$3")
  [ "$(wc -c <"$work/body.json")" -le 100000 ] || data=(-f "$work/body.json")
  call api "/audiences/$ps/$2" --type cdp -X "$1" "${data[@]}"
}

# items COLLECTION: read all of it, page by page, into the file $work/COLLECTION. What is not a whole
# list of items that have ids is not taken for a short one.
items() {
  page="/audiences/$ps/$1?page[size]=1000"
  : >"$work/items"
  : >"$work/asked"
  while [ -n "$page" ]; do
    ! grep -qxF -e "$page" "$work/asked" || fail 5 "the list of $1 does not end"
    printf '%s\n' "$page" >>"$work/asked"
    call api "$page" --type cdp
    jq '.data | if type == "array" and all(.[]; ((objects | .id | numbers, strings) // "") != "")
      then .[] else error("no list") end' "$answer" >>"$work/items" ||
      fail 5 "tdx did not answer a list of $1 that have ids"
    page=$(jq -r --slurpfile came "$work/items" '
      [., .pagination, .meta, .meta.pagination?, .links | objects] as $said
      | first($said[] | .nextPage, .next.href?, .next | select(. != null)) // ""
      | if (. == "" and all($said[]; .hasMore != true and .hasNextPage != true
          and (.total // .totalCount // 0) <= ($came | length)
          and (.totalPages // 0) <= (.currentPage // .totalPages // 0))) or startswith("/")
        then . else error("no path") end' "$answer") || fail 5 "the next page of $1 has no path"
  done
  mv "$work/items" "$work/$1"
}

# create COLLECTION BODY: create an item unless it exists; set $id to its id.
create() {
  [ -e "$work/$1" ] || items "$1"
  found=$(jq -rs --slurpfile body <(printf '%s' "$2") '
    def text: if type == "number" then tostring else . end;
    $body[0] as $new
    | ($new.name | '"$visible"' | tojson),
      (first(.[] | select(.name == $new.name or (.identifier // false) == $new.identifier)) as $old
        | [$new | to_entries[] | .key as $key | select($old[$key] != null)
            | select(($old[$key] | text) != (.value | text)) | $key]
        | "\($old.id) \(join(", "))")' "$work/$1")
  name=${found%%$'\n'*}
  found=${found:${#name} + 1}
  if [ -n "$found" ]; then
    id=${found%% *}
    echo "  = $name is there already ($id)"
    [ -z "${found#* }" ] || echo "    and is left as it is, although it differs in: ${found#* }"
    return
  fi
  send POST "$1" "$2"
  id=$(jq -r '.data.id // .id // empty' "$answer")
  [ -n "$id" ] || fail 5 "tdx did not answer the id of $name"
  echo "  + $name ($id)"
}

# rename COLLECTION BODY: rename an item that is there under its former name only.
rename() {
  [ -e "$work/$1" ] || items "$1"
  found=$(jq -rs --argjson body "$2" 'if any(.[]; .name == $body.name) then empty
    else first(.[] | select(.name == $body.former) | .id) end' "$work/$1")
  [ -n "$found" ] || return 0
  send PATCH "$1/$found" "$(jq 'del(.former)' <<<"$2")"
  rm "$work/$1"
  echo "  ~ $(jq -c ".name | $visible" <<<"$2") ($found)"
}

# add BODY: add what is missing to the realtime setting. A list in a request replaces the whole
# list, so live entries are sent along.
add() {
  printf '{}' >"$work/setting.json"
  if [ "$rt_config_exists" != "false" ]; then
    call api "/audiences/$ps/realtime_setting" --type cdp
    jq --slurpfile body <(printf '%s' "$1") '
      ((.data? | objects) // .) as $live
      | if all("eventTables", ($body[0] | to_entries[] | select(.value | type == "array") | .key);
          ($live[.] | type) == "array") then $live else error("no list") end' "$answer" >"$work/setting.json" ||
      fail 5 "the realtime setting came without a list that this would replace: run it again"
  fi
  body=$(jq --slurpfile body <(printf '%s' "$1") '
    def which: [.database, .table, .column // .name];
    . as $live
    | $body[0]
    | with_entries($live[.key] as $old | .key as $key | .value |=
        if type == "array" then
          ($old // []) + map(select(which as $new | all($old[]?; which != $new)))
        elif $old == null or $old == . then .
        else error("\($key) is \($old) already, not \(.): that is for a person to decide") end)
    | with_entries(select(.value != $live[.key]))' "$work/setting.json") ||
    fail 4 "the realtime setting is left as it is"
  [ "$body" = "{}" ] || send PATCH realtime_setting "$body"
  rt_config_exists=true
  jq -r --slurpfile body <(printf '%s' "$1") '
    def names: if type == "array" then .[] else . end
      | if type == "object" then [.database, .table, .column // .name] else [.] end
      | map(strings) | join(".");
    . as $live
    | $body[0] | to_entries[] | .key as $key | .value | names as $new
    | if any($live[$key] | names; . == $new) then "  = \($key) \($new) is there already"
      else "  + \($key) \($new)" end' "$work/setting.json"
}

# import_columns BODY: import columns of the master table. The list replaces the earlier one, so
# columns imported already are sent along.
import_columns() {
  [ -e "$work/realtime_attributes" ] || items realtime_attributes
  body=$(jq -s --slurpfile body <(printf '%s' "$1") '
    [.[] | select(.type == "imported") | .column // .identifier // .name] as $old
    | ($body[0].columns - $old) as $new
    | select($new != [])
    | {columns: ($old + $new)}' "$work/realtime_attributes")
  [ -z "$body" ] || send POST realtime_imported_attributes/bulk_update "$body"
}

# list_segments: read the RT-enabled parent segments into the file $answer.
list_segments() {
  call ps rt list --json
  jq -e 'type == "array" and all(.[]; (objects | .id) != null)' "$answer" >/dev/null ||
    fail 5 "tdx did not answer a list of parent segments that have ids"
}

# remove COLLECTION ID: delete an item if it exists.
remove() {
  [ -e "$work/$1" ] || items "$1"
  found=$(jq -c --arg id "$2" 'select((.id | tostring) == $id) | .name | '"$visible" "$work/$1")
  [ -n "$found" ] || return 0
  [ -n "$baseline" ] || keep_baseline
  run api "/audiences/$ps/$1/$2" --type cdp -X DELETE
  check api "/audiences/$ps/$1/$2"
  rm "$work/$1"
  echo "  - $found ($2)"
}

# expect COLLECTION NUMBER: fail unless there are at least NUMBER items.
expect() {
  items "$1"
  count=$(jq -s length "$work/$1")
  echo "$1: $count"
  [ "$count" -ge "$2" ] || fail 6 "expected at least $2 $1, found $count"
}

# demand ACCOUNT: fail unless tdx says that it works in this account, by name or id.
demand() {
  tdx status --json >"$answer" 2>/dev/null || :
  tdx auth >"$work/auth" 2>/dev/null || :
  told=$(
    jq -r 'paths(strings, numbers) as $at
      | select($at | map(tostring) | join(".") | ascii_downcase | gsub("[_-]"; "")
          | test("(^|[.])account[.]?(name|id)?$"))
      | getpath($at) | tostring | '"$visible" "$answer" 2>/dev/null || :
    jq -Rr 'scan("(?i)\\baccount(?:[ _]?(?:name|id))?\\b[\\s:=\"]*([^,;\"]+)")[0]
      | splits("[()]") | gsub("^\\s+|\\s+$"; "") | select(. != "") | '"$visible" "$work/auth"
  )
  [ -n "$told" ] || fail 3 "tdx does not tell whether this is the account $1"
  grep -qxF -e "$1" <<<"$told" ||
    fail 3 "this is the account ${told%%$'\n'*}, and the file demands $1"
}

# look_for_config: check if RT config exists.
look_for_config() {
  call ps view "$ps" --json
  rt_config_exists=$(jq 'if .id == null then error("no id")
    else has("realtime_config") == false or .realtime_config != null end' "$answer") ||
    fail 5 "tdx did not answer a parent segment: tdx ps view $ps"
  baseline=
}

for program in "$TDX" jq; do
  type -P "$program" >/dev/null || fail 3 "$program is needed, and not there"
done

# Validate API key
if [ -z "${TD_API_KEY:+set}" ] && ! tdx auth >/dev/null; then
  echo "❌ TD_API_KEY environment variable not set, and tdx is not logged in" >&2
  echo "Set it with: export TD_API_KEY=your_master_api_key" >&2
  exit 3
fi

@account
# The parent segment: the endpoints take an id only.
ps=@ps
list_segments
found=$(jq -r --arg ps "$ps" 'map({id: (.id | tostring), name}) as $all
  | [$all[] | select(.id == $ps)]
  | if length > 0 then . else [$all[] | select(.name == $ps)] end
  | .[].id' "$answer")
case $found in
  '') fail 4 "$ps is not RT-enabled (tdx ps rt list): ask your customer success manager" ;;
  *[!0-9]*) fail 4 "several parent segments are called $ps; use the id of one: $found" ;;
esac
ps=$found

@steps
at=

# Wait for RT infrastructure ready
echo "Waiting for RT infrastructure to be ready..."
give_up=$((SECONDS + WAIT_TIMEOUT))
while :; do
  list_segments
  status=$(jq -r --arg ps "$ps" \
    '.[] | select((.id | tostring) == $ps) | .status // "unknown"' "$answer")
  case $status in
    ok) break ;;
    inconsistent | error) fail 6 "the RT status is $status: waiting longer does not help" ;;
    '') fail 4 "$ps is not RT-enabled any more: ask your customer success manager" ;;
  esac
  echo "RT status: $status..."
  [ "$SECONDS" -lt "$give_up" ] || fail 6 "the RT status is still $status after $WAIT_TIMEOUT s"
  sleep "$WAIT_PAUSE"
done
echo "✅ RT infrastructure ready (status: ok)"

# Validation
expect realtime_key_events @key_events
expect realtime_attributes @attributes
echo "✅ RT configuration complete and validated"
