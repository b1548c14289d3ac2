"""Signals, threads, files, locks and redaction: nothing of tdx, nothing of realtime."""
