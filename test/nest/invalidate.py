"""A command side that is not JavaScript: invalidates by what docs/microservices.md says, with nothing but a socket.

Reads {"port", "namespace", "script", and "key" or "scope" and "group"} as JSON; "group" is ["t", tag], ["s", segment] or ["*"].
"""
import json
import socket
import sys
from urllib.parse import quote


def encoded(name):
    # quote() leaves the tilde, the contract does not.
    return quote(name, safe="").replace("~", "%7E")


def ask(port, *words):
    data = [word.encode() for word in words]
    text = b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in data)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(text)
        answer = connection.makefile("rb").readline().decode()
    if answer.startswith("-"):
        sys.exit(answer)
    return answer


def main():
    said = json.load(sys.stdin)
    start = said["namespace"] + ":{"
    notices = start + "~}:n"
    if "key" in said:
        name = start + said["key"] + "}"
        ask(said["port"], "EVAL", said["script"], "4", name, name + ":l", name + ":w", notices, said["key"], "python")
        return
    kind, *rest = said["group"]
    group = kind if kind == "*" else kind + ":" + encoded(rest[0])
    scope = encoded(said["scope"])
    head = start + "~" + scope + "}:"
    ask(said["port"], "EVAL", said["script"], "3", head + "c", head + "m:" + group, notices, scope, group, "python")


main()
