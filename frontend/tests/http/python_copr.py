"""The library that most programs use: walks lists, tries again, and raises what it always raised.

usage: python_copr.py URL LOGIN TOKEN OWNER; the owner has the project "foo" and seven builds in it.
"""

import socket
import sys
import threading

from copr.v3 import Client
from copr.v3.exceptions import CoprAuthException, CoprNoResultException, CoprRequestException
from copr.v3.pagination import all_pages, next_page, unlimited

URL, LOGIN, TOKEN, OWNER = sys.argv[1:]


def client(url=URL, token=TOKEN, attempts=1):
    return Client({
        "copr_url": url, "login": LOGIN, "token": token, "username": OWNER,
        "connection_attempts": attempts, "encrypted": False,
    })


def raises(kind, call, text):
    try:
        call()
    except kind as error:
        assert text in str(error), str(error)
        assert type(error) is kind, type(error)
        return error
    raise AssertionError("nothing was raised")


def walks():
    builds = client().build_proxy
    everything = [build.id for build in builds.get_list(OWNER, "foo")]
    assert len(everything) == 7 and everything == sorted(everything, reverse=True), everything
    part = {"limit": 3}
    walked = [build.id for build in all_pages(builds.get_list(OWNER, "foo", pagination=part))]
    assert walked == everything, walked
    first = builds.get_list(OWNER, "foo", pagination=part)
    second = next_page(first)
    assert (second.meta.offset, second.meta.limit) == (3, 3), second.meta
    assert sorted(build.id for build in unlimited(builds.get_list(OWNER, "foo", pagination=part))) == sorted(everything)
    by_name = client().project_proxy.get_list(OWNER, pagination={"limit": 1, "order": "name", "order_type": "DESC"})
    assert [project.name for project in all_pages(by_name)] == ["foo", "bar"]


def raises_what_it_always_raised():
    api = client()
    missing = raises(CoprNoResultException, lambda: api.build_proxy.get(999999), "Build 999999 does not exist.")
    assert missing.result.error == "Build 999999 does not exist."
    raises(CoprNoResultException, lambda: api.project_proxy.get(OWNER, "nope"), "does not exist")
    wrong = raises(
        CoprRequestException, lambda: api.project_proxy.add(OWNER, "a b", []),
        "\n- chroots: '[]' is not a valid choice for this field.")
    assert wrong.result.__response__.status_code == 400
    raises(
        CoprRequestException, lambda: api.project_proxy.get_list(OWNER, pagination={"order": "nope"}),
        "Cannot order by nope")
    raises(CoprAuthException, lambda: api.project_proxy.add("root", "x", ["fedora-43-x86_64"]), "root")
    raises(CoprRequestException, lambda: client(token="wrong").base_proxy.auth_check(), "Login invalid/expired")


def tries_again():
    """Behind a door that slams once."""
    door = socket.create_server(("127.0.0.1", 0))
    host, port = URL.removeprefix("http://").split(":")

    def pipe(source, sink):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)

    def serve():
        door.accept()[0].close()
        inside, outside = door.accept()[0], socket.create_connection((host, int(port)))
        threading.Thread(target=pipe, args=(outside, inside), daemon=True).start()
        pipe(inside, outside)

    threading.Thread(target=serve, daemon=True).start()
    url = "http://127.0.0.1:%s" % door.getsockname()[1]
    assert client(url, attempts=2).base_proxy.auth_check().name == OWNER


walks()
raises_what_it_always_raised()
tries_again()
