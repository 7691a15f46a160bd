"""Measurements that anybody can repeat; each command prints its figures."""
