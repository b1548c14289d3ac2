"""The consent to plans: a person's yes on a terminal, `--yes` and `--force` elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tdxwrap.errors import EnvironmentProblem, UsageProblem
from tdxwrap.output.console import Console
from tdxwrap.output.lines import BLANK, Line, counted
from tdxwrap.output.plan_text import plan_lines, writes_text
from tdxwrap.plan.changes import Change, Level, Plan
from tdxwrap.tdx.context import DEFAULT, Context


@dataclass(frozen=True, slots=True)
class PlanConsent:
    """Shows a plan and asks for consent to it.

    Attributes:
        context: returns account, profile and site, once they are known.
        yes, force: the options of that name; without a terminal, a dangerous change needs
            `--force` as well as `--yes`.
        record: gets the lines of what is shown, and a question that was answered.
    """

    console: Console
    context: Callable[[], Context]
    yes: bool
    force: bool
    record: Callable[[Sequence[Line]], object] = list

    def show(self, plan: Plan) -> None:
        """Print the plan on stderr, since the result of an apply is another.

        Failed column checks and blockers are left to the error that they end in. With `-q` the plan
        is shown only where a question about it follows.
        """
        warned = tuple(found for found in plan.findings if found.level is Level.WARNING)
        shown = replace(plan, findings=warned, blockers=())
        account = self.context().text(asked=True)
        lines = plan_lines(shown, account, everything=self.console.style.verbose)
        open_question = not self.yes or (plan.dangers and not self.force)
        asks = plan.pending and open_question and self.console.can_ask
        show = self.console.print_always if asks else self.console.print_note
        show([BLANK, *lines, BLANK])
        self.record(lines)

    def ask(self, plan: Plan) -> bool:
        """Get consent, and return whether a person was asked. Nothing to write needs none.

        Raises:
            EnvironmentProblem: the profile was not chosen in our parent, and nobody is asked.
            UsageProblem: there is no terminal to ask on, and the options do not say yes.
            Interrupted: the answer is no.
        """
        if not plan.pending:
            return False
        self.check(plan)
        if not self.yes:
            changes = counted(len(plan.pending), "change")
            these = "this" if len(plan.pending) == 1 else "these"
            write = f"Write {these} {changes} to {self._place(plan)}"
            question = f"{self._taking(plan) if plan.takings else write}?"
            self.console.ask(question)
            self.record([Line("? ", f"{question} yes")])
        return self.ask_for_dangers(plan) or not self.yes

    def check(self, plan: Plan) -> None:
        """Check that a person can be asked what the options leave open; raises as `ask`."""
        context = self.context()
        if self.yes or not self.console.can_ask:
            refuse_inherited(context)
        if self.yes and plan.takings:
            self.warn_of_takings(plan)
        if self.console.can_ask:
            return
        if not self.yes:
            raise UsageProblem(
                f"{counted(len(plan.pending), 'change')} to write, but no terminal to confirm on",
                hint="add --yes to write them, or see them first with `tdxwrap plan`",
            )
        if not self.force:
            refuse_dangers(plan.dangers)

    def warn_of_takings(self, plan: Plan) -> None:
        """Print what a plan takes away, and where."""
        line = Line("! ", self._taking(plan), "bold", mark="yellow")
        self.console.print_always([line])
        self.record([line])

    def _taking(self, plan: Plan) -> str:
        return f"{writes_text(plan).capitalize()} in {self._place(plan)}"

    def _place(self, plan: Plan) -> str:
        segment, context = plan.live.segment, self.context()
        return f"{segment.name} ({segment.id}), {', '.join(context.words(asked=True))}"

    def ask_for_dangers(self, plan: Plan) -> bool:
        """Ask for each dangerous change that `--force` does not allow; return whether it did."""
        if not plan.dangers or self.force:
            return False
        for change in plan.dangers:
            self.console.ask(f"Dangerous: change the {change.kind} to {change.name} anyway?")
        return True


def ask_for_all(asked: Sequence[tuple[PlanConsent, Plan]], files: int) -> None:
    """Ask once for the plans of several files, and for each dangerous change; raises as `ask`.

    Args:
        files: how many files there are, with those that have nothing to write.
    """
    console, yes = asked[0][0].console, asked[0][0].yes
    if not yes:
        for consent, plan in asked:
            if plan.takings:
                consent.warn_of_takings(plan)
        changes = counted(sum(len(plan.pending) for _, plan in asked), "change")
        question = f"Apply {changes} to {len(asked)} of {files} parent segments?"
        console.ask(question)
        for consent, _ in asked:
            consent.record([Line("? ", f"{question} yes")])
    for consent, plan in asked:
        consent.ask_for_dangers(plan)


def refuse_inherited(context: Context) -> None:
    """Stop here, where nobody is asked, if a process above our parent chose the profile (F5).

    Raises:
        EnvironmentProblem: one did; process ids are used again, so it may not be meant.
    """
    if not context.chosen_in:
        return
    way = f"set TDX_SESSION={context.chosen_in}"
    if context.profile not in (None, DEFAULT):
        way = f"add --profile {context.profile}"
    what = "not by the process that called tdxwrap, and process ids are used again"
    hint = f"nothing was written; if that is the account you mean, {way}"
    raise EnvironmentProblem(f"{', '.join(context.words(asked=False))}: {what}", hint=hint)


def refuse_dangers(dangers: Sequence[Change]) -> None:
    """Stop here, where nobody is asked, if there is a change that needs a yes of its own.

    Raises:
        UsageProblem: there is one.
    """
    if dangers:
        raise UsageProblem(
            "; ".join(f"the {c.kind} would change to {c.name}" for c in dangers),
            hint="this is dangerous and needs --force as well as --yes; nothing was written",
        )
