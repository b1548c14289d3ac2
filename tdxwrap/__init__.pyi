from tdxwrap.apply.verify import Report as Report
from tdxwrap.config.load import LoadedConfig as LoadedConfig
from tdxwrap.errors import ConfigError as ConfigError
from tdxwrap.errors import TdxwrapError as TdxwrapError
from tdxwrap.errors import UnsafePlan as UnsafePlan
from tdxwrap.library import Applied as Applied
from tdxwrap.library import Login as Login
from tdxwrap.library import Preview as Preview
from tdxwrap.library import apply as apply
from tdxwrap.library import load as load
from tdxwrap.library import plan as plan
from tdxwrap.plan.changes import Change as Change
from tdxwrap.plan.changes import Plan as Plan
from tdxwrap.plan.changes import PlanOptions as PlanOptions
from tdxwrap.realtime.wait import WaitPolicy as WaitPolicy

__all__: list[str]
__version__: str
