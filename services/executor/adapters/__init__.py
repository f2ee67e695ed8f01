"""The executor's hands: the bus in and out, the clock, the signs of life.

Belongs here: implementations of the ports that are no plain `shared.kube.KubeApi`. Forbidden: decisions.
"""
