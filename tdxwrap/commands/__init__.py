"""What each command does, a module each: call the session, hand the result to the console.

Their functions take the `App` of the run and what was given on the command line (`cli.py`), give
the exit code (errors.ExitCode), and raise TdxwrapError.
"""
