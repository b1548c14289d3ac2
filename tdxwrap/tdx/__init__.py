"""The process: run tdx once, judge its answer, end it in time."""
