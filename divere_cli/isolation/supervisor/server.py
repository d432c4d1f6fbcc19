"""The forkserver, seen by its supervisor: start it, send it requests, end it.

Covers the process and its socket. Nothing here blocks: a request is sent or refused, and the loop
reads the answer from the request's status pipe. A server that does not respond is noticed by the
deadline of the requested worker, and is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess

from divere_cli.isolation.worker import birth
from divere_cli.isolation.worker.forkserver import send
from divere_cli.isolation.worker.main import Boot
from divere_cli.isolation.worker.preload import Setup
from divere_cli.records import serialize

servers: dict[int, Server] = {}  # running servers by pid
LAST_WORDS = 4096


class Server:
    """A forkserver. ``fault`` tells how it ended, once it has.

    ``killed_by_others`` is whether another program's SIGKILL ended it.
    """

    def __init__(self, setup: Setup, environment: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        words, stderr = os.pipe()
        try:
            self._process = subprocess.Popen(
                birth.command("forkserver", str(theirs.fileno())),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=(theirs.fileno(),),
            )
        except BaseException:
            ours.close()
            os.close(words)
            raise
        finally:
            theirs.close()
            os.close(stderr)
        os.set_blocking(words, False)
        self._line, self._words = ours, words
        self._line.setblocking(False)
        self.pid = self._process.pid
        self.fault = ""
        self.killed_by_others = False
        servers[self.pid] = self
        self._send(json.dumps(serialize.to_plain(setup)).encode(), ())

    def ask(self, boot: Boot, pipes: tuple[int, ...]) -> bool:
        """Request a worker; return False if the server has ended or does not respond."""
        return self._send(json.dumps(serialize.to_plain(boot)).encode(), pipes)

    def _send(self, data: bytes, pipes: tuple[int, ...]) -> bool:
        try:
            send(self._line, data, pipes)
        except BlockingIOError:  # its socket is full: it has not responded for long
            self.end("does not answer")
        except ConnectionError:
            self.end("")
        return not self.fault

    def ended(self) -> bool:
        """Return whether it has ended; if so, it was reaped."""
        if not self.fault and self._process.poll() is not None:
            self.end("")
        return bool(self.fault)

    def close(self) -> None:
        """Let it exit by itself; kill it if it does not."""
        if not self.fault:
            self._line.close()
            self.end("was ended", kill=False)

    def end(self, why: str, *, kill: bool = True) -> None:
        """Kill and reap it, and store the reason in ``fault``; does nothing if it has ended."""
        if self.fault:
            return
        if why and kill:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(REAP_SECONDS)
        if self._process.returncode is None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(REAP_SECONDS)
        code = self._process.returncode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        self.killed_by_others = not why and code == -signal.SIGKILL
        self.fault = why or f"died ({how}{self._last_words()})"
        servers.pop(self.pid, None)
        self._line.close()
        os.close(self._words)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = os.read(self._words, LAST_WORDS).decode("utf-8", "replace").split("\n")
            texts = [line.strip() for line in lines if line.strip()]
            return f": {texts[-1][:200]}" if texts else ""
        return ""


REAP_SECONDS = 1.0  # a process may hang on a dead network mount
