#!/usr/bin/env python3
"""Ask a bridge on a machine of a test as its first administrator, from within its network.

    scripts/machine/api.py PID LOGIN GET PATH...             LOGIN: its first-login.json; prints each answer's body
    scripts/machine/api.py PID LOGIN METHOD PATH [BODY]
"""

import ctypes
import json
import os
import sys
import urllib.error
import urllib.request

BRIDGE = "http://127.0.0.1:8080"
CLONE_NEWNET = 0x40000000


def ask(method, path, body, token):
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(BRIDGE + path, body.encode() if body else None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        sys.exit(f"api: {method} {path}: {error.code} {error.read().decode()}")


def main():
    pid, login, method, path, *more = sys.argv[1:]
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(network, CLONE_NEWNET) != 0:
        sys.exit("api: the machine's network cannot be entered")
    first = json.load(open(login, encoding="utf-8"))
    token = json.loads(ask("POST", "/api/v1/auth/login", json.dumps({"email": first["email"], "password": first["password"]}), None))
    if method == "GET":
        for one in [path, *more]:
            print(ask(method, one, None, token["access_token"]))
    else:
        print(ask(method, path, more[0] if more else None, token["access_token"]))


main()
