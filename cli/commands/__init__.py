"""What each command does: requests, in their order, and what is shown of the answers.

Belongs here: functions from a `Session` and checked arguments to an exit code. Forbidden: options and help texts
(`cli.app` has them) and HTTP (`cli.client`).
"""
