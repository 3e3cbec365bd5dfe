"""What is concluded from what was seen."""

from __future__ import annotations

import pytest

from falmock.cli.launch import diagnosis
from falmock.cli.launch.diagnosis import Finding
from falmock.serving.sightings import Program
from falmock.serving.sightings import Sighting

WANTED = {
    "HTTPS_PROXY": "http://127.0.0.1:8080",
    "HTTP_PROXY": "http://127.0.0.1:8080",
    "NODE_USE_ENV_PROXY": "1",
    "NODE_OPTIONS": "--require=/a folder/preload.cjs",
    "PYTHONPATH": "/hooks",
    "JAVA_TOOL_OPTIONS": "-Dhttps.proxyHost=127.0.0.1",
    "SSL_CERT_FILE": "/conf/bundle.pem",
    "REQUESTS_CA_BUNDLE": "/conf/bundle.pem",
    "NODE_EXTRA_CA_CERTS": "/conf/ca.pem",
}
CA = "/conf/ca.pem"
NODE = (0x1302, 0x1303, 0x1301, 0xC02F, 0xC02B)


def of(file: str, *lacks: str, pid: int = 7) -> Program:
    return Program(pid, f"/usr/bin/{file}", f"{file} app", lacks)


def past(
    program: Program | None, agent: str = "", *, is_socket: bool = False, ends: str = "answered"
) -> list[Sighting]:
    """What is seen of a call past the proxy."""
    return [
        Sighting("asked", "fal.run", True, program),
        Sighting("connected", "fal.run", True, program),
        Sighting(ends, "fal.run", True, program, agent, (), is_socket),
    ]


def through(program: Program | None, agent: str = "") -> Sighting:
    return Sighting("answered", "fal.run", False, program, agent)


def refused(program: Program | None, agent: str = "", ciphers: tuple[int, ...] = ()) -> Sighting:
    return Sighting("refused", "fal.run", False, program, agent, ciphers)


def version(file: str) -> str:
    return {"/usr/bin/node": "20.20.2", "/usr/bin/java": "17.0.15"}.get(file, "")


def found(*sightings: Sighting) -> list[Finding]:
    return diagnosis.findings(sightings, WANTED, CA, version)


def only(*sightings: Sighting) -> Finding:
    (finding,) = found(*sightings)
    return finding


def test_node_without_the_preload() -> None:
    assert only(*past(of("node", "NODE_OPTIONS"), "node")) == Finding(
        "Node.js 20.20.2 (PID 7: node app)",
        "went past the proxy to fal.run",
        (
            "it does not have falmock's NODE_OPTIONS: set NODE_OPTIONS='--require=/a folder/preload.cjs' before it starts, or keep what falmock run sets",
        ),
    )


def test_aiohttp_without_trust_env() -> None:
    finding = only(*past(of("python3.11", "PYTHONPATH"), "Python/3.11 aiohttp/3.14.3"))
    assert finding.who == "Python (PID 7: python3.11 app)"
    assert "trust_env=True" in finding.remedies[0]
    assert finding.remedies[1].startswith("it does not have falmock's PYTHONPATH: set PYTHONPATH=/hooks ")


def test_requests_with_ssl_cert_file_only() -> None:
    finding = only(refused(of("python3.11", "REQUESTS_CA_BUNDLE")))
    assert finding.happened == "did not trust falmock's CA for fal.run"
    assert finding.remedies == (
        "requests reads REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, and not SSL_CERT_FILE",
        "it does not have falmock's REQUESTS_CA_BUNDLE: set REQUESTS_CA_BUNDLE=/conf/bundle.pem before it starts, or keep what falmock run sets",
    )


def test_a_socket_on_bun() -> None:
    finding = only(*past(of("bun"), "Bun/1.4.5", is_socket=True))
    assert finding.happened == "went past the proxy to fal.run with a WebSocket"
    assert "falmock's preload in BUN_OPTIONS" in finding.remedies[0]


def test_a_jvm_is_told_once_what_helps_for_both() -> None:
    finding = only(*past(of("java", "JAVA_TOOL_OPTIONS"), ends="refused"))
    assert finding.who == "Java 17.0.15 (PID 7: java app)"
    assert finding.happened == "went past the proxy to fal.run; did not trust falmock's CA for fal.run"
    assert len(finding.remedies) == 1
    assert "JAVA_TOOL_OPTIONS=-Dhttps.proxyHost=127.0.0.1" in finding.remedies[0]


@pytest.mark.parametrize("file", ["server", "php", "curl", "ruby"])
def test_a_program_that_has_all_variables(file: str) -> None:
    (remedy,) = only(*past(of(file))).remedies
    assert "falmock run --transparent" in remedy


def test_a_host_that_no_proxy_excludes() -> None:
    (remedy,) = only(*past(of("curl", "NO_PROXY"))).remedies
    assert "take fal's hosts out of NO_PROXY" in remedy


@pytest.mark.parametrize(
    ("program", "agent", "ciphers", "who", "remedy"),
    [
        (None, "", NODE, "Node.js", "set NODE_EXTRA_CA_CERTS=/conf/ca.pem before it starts"),
        (None, "Go-http-client/1.1", (), "Go", "set SSL_CERT_FILE=/conf/ca.pem"),
        (None, "", (), "a program", "make it trust the CA in /conf/ca.pem: "),
        (of("server"), "", (), "server (PID 7: server app)", "make it trust the CA in /conf/ca.pem: "),
        (of("server"), "Go-http-client/1.1", (), "server (PID 7: server app)", "set SSL_CERT_FILE=/conf/ca.pem"),
        (
            of("server", "SSL_CERT_FILE"),
            "",
            (),
            "server (PID 7: server app)",
            "it does not have falmock's SSL_CERT_FILE",
        ),
        (Program(7, "", "x", ()), "Deno/2", (), "Deno (PID 7: x)", "set DENO_CERT=/conf/ca.pem"),
        (Program(7, "", "x", ()), "", (), "a program (PID 7: x)", "make it trust the CA in"),
    ],
)
def test_who_does_not_trust_the_ca(
    program: Program | None, agent: str, ciphers: tuple[int, ...], who: str, remedy: str
) -> None:
    finding = only(refused(program, agent, ciphers))
    assert finding.who == who
    assert finding.remedies[0].startswith(remedy)


def test_calls_that_came_through() -> None:
    asked = Sighting("asked", "fal.run", True, of("node"))
    finding = only(asked, through(of("node")))
    assert (finding.happened, finding.is_fine) == ("came through the proxy to fal.run", True)


def test_a_name_that_was_looked_up_alone() -> None:
    finding = only(Sighting("asked", "fal.run", True, of("node", "NODE_OPTIONS")))
    assert finding.happened == "looked up fal.run, which the proxy makes unnecessary, and did not connect"
    assert not finding.is_fine


def test_processes_of_one_command_are_told_once() -> None:
    workers = [sighting for pid in (9, 8) for sighting in past(of("node", "NODE_OPTIONS", pid=pid))]
    assert only(*workers).who == "Node.js 20.20.2 (PID 8, 9: node app)"


def test_many_hosts_are_counted() -> None:
    seen = [Sighting("connected", host, True, of("node")) for host in ("", *(f"{n}.fal.media" for n in range(7)))]
    assert only(*seen).happened == (
        "went past the proxy to a host that it did not name, 0.fal.media, 1.fal.media, 2.fal.media, 3.fal.media and 3 more"
    )


def test_names_that_do_not_exist_are_no_finding() -> None:
    seen = [Sighting("unknown name", host, True, of("node")) for host in ("a.test", "b.test", "a.test")]
    assert found(*seen) == []
    assert diagnosis.unknown_names(seen) == ["a.test", "b.test"]


def test_lines_tell_what_is_fine_first() -> None:
    told = list(diagnosis.lines(found(*past(of("node", "NODE_OPTIONS")), through(of("curl", pid=8)))))
    assert told[0] == "curl (PID 8: curl app) came through the proxy to fal.run"
    assert told[1] == "Node.js 20.20.2 (PID 7: node app) went past the proxy to fal.run"
    assert told[2].startswith("  -> it does not have")
