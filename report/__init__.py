"""The result of a benchmark: figures, verdicts, pages, budgets. Reads and writes reports; measures nothing."""

from typing import TYPE_CHECKING

from ..runtime.lazy import list_names

if TYPE_CHECKING:
    from .gate.gate import BudgetResult as BudgetResult
    from .gate.gate import check_budgets as check_budgets
    from .gate.limits import Limits as Limits
    from .gate.limits import read_limits as read_limits
    from .gate.selection import Choice as Choice
    from .gate.selection import Objective as Objective
    from .gate.selection import pick_variant as pick_variant
    from .model import Report as Report
    from .serialization import read_report as read_report

list_names(
    __name__,
    {
        ".gate.gate": "BudgetResult check_budgets",
        ".gate.limits": "Limits read_limits",
        ".gate.selection": "Choice Objective pick_variant",
        ".model": "Report",
        ".serialization": "read_report",
    },
    extra="check",
)
