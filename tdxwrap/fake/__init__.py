"""A stateful stand-in for the `tdx` executable and the CDP realtime API.

It runs as a program of its own, needs only the standard library, and keeps its world in a
directory, so that many short processes see one account.
"""
