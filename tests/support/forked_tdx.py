"""Run the fake tdx where it costs little: in a fork, or in the process of tdxwrap itself.

A Python that starts takes three times as long as the call of the fake that it is started for, and
the suite makes ten thousand of them. `install` puts a function in the place of `os.execve`: where
the suite's own launcher would be executed, or that of a world (`World.launcher`), the process does
what a kernel and a starting Python do, and then what the launcher does. It remains a process of
its own, with its own pid, group, files, environment, directory and signals, and it ends like one.
Any other program is executed: a test that wants a real start of the fake names the launcher by a
link (`Shell.executing`).

A fork of all that the suite has loaded still takes three times as long as a call of the fake. Where
the process of tdx is not the point of a test (`tdx_inside`), `answer_inside` puts the fake's own
answer in the place of the process. A call with a fault that happens to the process, or to its
streams, has one.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import shlex
import signal
import traceback
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

from tdxwrap import fake
from tdxwrap.fake import args as fake_args
from tdxwrap.fake import cli, faults, opening
from tdxwrap.fake.errors import Refused
from tdxwrap.fake.store import FAULTS, Store
from tdxwrap.tdx.client import Tdx
from tdxwrap.tdx.process import find_executable

ROOT = str(Path(__file__).parents[2])
LAUNCHER = f"{ROOT}/fixtures/bin/tdx"
SCENARIO = f"{ROOT}/fixtures/scenarios/blank.yaml"
MAIN = f"{ROOT}/tdxwrap/fake/__main__.py"

# They end it, hold it up, reach for its streams or tell its environment.
OF_A_PROCESS = (
    *("killed", "hang", "delay", "signal-caller", "prompt", "echo-secrets"),
    *("big-output", "one-line", "stderr-flood"),
)

# So many calls of a run may be under way.
AT_ONCE = 20

# The fake imports what it needs for a call: several threads must not do so at once.
for _module in pkgutil.iter_modules(fake.__path__, f"{fake.__name__}."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)

_execve = os.execve
_process = Tdx._process


def install() -> None:
    """From now on, executing the launcher in this process or a fork of it runs the fake."""
    os.execve = run  # type: ignore[assignment]


def answer_inside() -> None:
    """From now on, the calls of tdxwrap are answered in its own process."""
    Tdx._process = answered  # type: ignore[method-assign]


def answered(tdx: Tdx, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
    more = _set_by(find_executable(tdx.executable, tdx._environ), tdx._environ)
    environ = {**tdx._environ, **(more or {})}
    if more is None or limit <= 0 or tdx._closed.is_set() or _may_be_process(environ, args):
        return _process(tdx, args, limit)
    with nullcontext() if "-X" in args else tdx._reads:
        return answer_to(args, environ)


def answer_to(args: Sequence[str], environ: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """What one call says, in the form of `Tdx._process`."""
    answer = cli.call(list(args), environ)
    return answer.exit_code, answer.out, answer.err.encode("utf-8", "surrogateescape")


def needs_process(environ: Mapping[str, str]) -> bool:
    """Whether some call with this environment may be more than an answer."""
    return "FAKE_TDX_JOURNAL" in environ or bool(_rules_of_a_process(_store(environ)))


def _store(environ: Mapping[str, str]) -> Store:
    return Store(opening.state_directory(environ))


def _rules_of_a_process(store: Store) -> list[Any]:
    return [rule for rule in store.load_or(FAULTS, []) if rule["fault"] in OF_A_PROCESS]


def _may_be_process(environ: Mapping[str, str], args: Sequence[str]) -> bool:
    """Whether this very call may be more than an answer."""
    if "FAKE_TDX_JOURNAL" in environ:
        return True
    store = _store(environ)
    rules = _rules_of_a_process(store)
    if not rules:
        return False
    argv = list(args)
    try:
        invocation = fake_args.parse(argv)
    except Refused:
        return False
    with store.lock():
        soon = store.last_number() + 1
    for rule in rules:
        # Which number a call gets is not known before, as others may begin meanwhile.
        number = min(max(soon, rule["match"].get("call", soon)), soon + AT_ONCE)
        over = rule["times"] and rule["fired"] >= rule["times"]
        if not over and faults._matches(rule["match"], number, argv, invocation):
            return True
    return False


def run(program: bytes, argv: Sequence[bytes], environ: Mapping[str, str]) -> NoReturn:
    """Be the fake, in place of the exec."""
    more = _set_by(os.fsdecode(program), environ)
    if more is None:
        _execve(program, argv, environ)
    _close_what_exec_closes()
    _reset_signals()
    # Not the variables of the process: to change those costs as much as half of the call.
    os.environ = {**environ, **more}  # type: ignore[assignment]  # noqa: B003
    code = 1
    try:
        code = cli.main([os.fsdecode(word) for word in argv[1:]])
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _set_by(launcher: str, environ: Mapping[str, str]) -> dict[str, str] | None:
    """The variables that a launcher of the fake sets; None if it is none."""
    if launcher == LAUNCHER:
        return {"FAKE_TDX_SCENARIO": environ.get("FAKE_TDX_SCENARIO") or SCENARIO}
    if os.path.basename(launcher) != "tdx" or os.path.islink(launcher):
        return None
    with open(launcher, encoding="utf-8", errors="replace") as file:
        text = file.read()
    if not text.endswith(f'{shlex.quote(MAIN)} "$@"\n'):
        return None
    words = shlex.split(text, comments=True)
    return dict(word.split("=", 1) for word in words[: words.index("exec")] if word != "export")


def _close_what_exec_closes() -> None:
    for name in os.listdir("/dev/fd"):
        number = int(name)
        try:
            if not os.get_inheritable(number):
                os.close(number)
        except OSError:  # that of the listing itself
            continue


def _reset_signals() -> None:
    """What is handled gets its default, what is ignored stays so; then those that Python takes."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) not in (signal.SIG_DFL, signal.SIG_IGN, None):
            signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
