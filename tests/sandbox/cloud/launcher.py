#!/usr/bin/env python3
"""Start the local cloud: ministack with the mends that Tidegate needs, on one port of 127.0.0.1.

It prints one line, `ready http://127.0.0.1:PORT`, to standard output when it can be used; its log goes to standard
error. Functions inherit this process's environment, so a variable such as AWS_ENDPOINT_URL_SAGEMAKER set for the
launcher sends that one service of every function elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from importlib import metadata
from pathlib import Path

sys.dont_write_bytecode = True

# The mends replace private functions of exactly this version. To move on: read each mend against the new version,
# then change this line and requirements.txt together.
MINISTACK_VERSION = "1.5.33"


def version_problem(installed: str | None) -> str | None:
    """Why this installation cannot be used, or None."""
    if installed == MINISTACK_VERSION:
        return None
    found = f"ministack {installed} is installed" if installed else "ministack is not installed"
    return (
        f"{found}, and the launcher mends ministack {MINISTACK_VERSION} only. "
        f"Install it with: pip install -r {Path(__file__).parent / 'requirements.txt'}"
    )


def installed_version() -> str | None:
    """The version of ministack in this Python environment, or None."""
    try:
        return metadata.version("ministack")
    except metadata.PackageNotFoundError:
        return None


def main() -> None:
    """Parse the arguments, prepare the process, and serve until told to stop."""
    options = _options()
    problem = version_problem(installed_version())
    if problem:
        sys.exit(problem)
    listener = _listen(options.port)
    port = listener.getsockname()[1]
    directory, temporary = _state_directory(options.dir)
    _prepare_environment(options, port, directory)
    announce = _claim_standard_output()
    try:
        _serve(options, listener, lambda: announce(f"ready http://127.0.0.1:{port}\n"))
    finally:
        _stop_functions()
        if temporary:
            shutil.rmtree(directory, ignore_errors=True)
    # Daemon threads of the emulator may still sit in a system call; there is nothing left to save.
    os._exit(0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--dir", type=Path, help="where function code is unpacked; default: a temporary directory")
    parser.add_argument("--region", default="us-east-1", help="region of requests that name none")
    parser.add_argument("--no-auth", action="store_true", help="do not enforce IAM")
    parser.add_argument(
        "--retry-seconds",
        type=float,
        default=60,
        help="wait before the first asynchronous retry of a function; the second waits twice that (AWS: 60)",
    )
    parser.add_argument("--tick-seconds", type=float, default=1, help="how often schedules and alarms are looked at")
    parser.add_argument("--log-level", default="WARNING", help="log level of the emulator")
    parser.add_argument("--die-with-stdin", action="store_true", help="stop when standard input closes")
    return parser.parse_args()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        sys.exit(f"cannot listen on 127.0.0.1:{port}: {error.strerror}")
    return listener


def _state_directory(given: Path | None) -> tuple[Path, bool]:
    """The directory for everything that is written, and whether it is ours to remove."""
    if given is None:
        return Path(tempfile.mkdtemp(prefix="tidegate-cloud-")), True
    given.mkdir(parents=True, exist_ok=True)
    return given.resolve(), False


def _prepare_environment(options: argparse.Namespace, port: int, directory: Path) -> None:
    """Set what ministack reads at import and what every function inherits."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        os.environ.pop(name, None)
    os.environ.update(
        AUTH="false" if options.no_auth else "true",
        GATEWAY_PORT=str(port),
        MINISTACK_HOST="localhost",
        MINISTACK_REGION=options.region,
        LAMBDA_EXECUTOR="local",
        LAMBDA_ASYNC_RETRY_BASE_SECONDS=str(options.retry_seconds),
        LAMBDA_ASYNC_RETRY_MAX_SECONDS=str(options.retry_seconds * 2),
        LOG_LEVEL=options.log_level.upper(),
        # Nothing but the one port, no containers, and nothing written outside the directory.
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        DOCKER_HOST="unix:///nonexistent",
        TMPDIR=str(directory),
        STATE_DIR=str(directory / "state"),
        S3_DATA_DIR=str(directory / "s3"),
        # Functions and the emulator's own SDK find the emulator, and never a person's AWS account.
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION=options.region,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        NO_PROXY="127.0.0.1,localhost",
        no_proxy="127.0.0.1,localhost",
    )
    tempfile.tempdir = str(directory)


def _claim_standard_output():
    """Keep standard output for the one line; whatever else writes there writes to standard error instead."""
    sys.stdout.flush()
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def announce(line: str) -> None:
        output.write(line)
        output.flush()

    return announce


def _serve(options: argparse.Namespace, listener: socket.socket, ready) -> None:
    """Import the emulator, mend it, and serve until a signal or the end of standard input."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    import alarms
    import buses
    import chaos
    import delivery
    import doors
    import function_urls
    import lambdas
    import permissions
    import provisioning

    permissions.watch_enforcement()
    permissions.mend_principal_arn()
    buses.mend_all()
    delivery.mend_all(options.tick_seconds)
    lambdas.mend_all()
    function_urls.mend_urls()
    provisioning.mend_all()
    chaos.mend_workers()
    alarms.mend_all(options.tick_seconds)

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = options.log_level.upper()
    config.graceful_timeout = 1

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if options.die_with_stdin:
            threading.Thread(target=_wait_for_end_of_input, args=(loop, stop), daemon=True).start()
        server = asyncio.create_task(serve(doors.app, config, shutdown_trigger=stop.wait))
        announcer = asyncio.create_task(_announce_when_answering(listener.getsockname()[1], ready))
        await server
        announcer.cancel()

    asyncio.run(run())


def _wait_for_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


async def _announce_when_answering(port: int, ready) -> None:
    """Call `ready` once the health door answers."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /_tidegate/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status = await reader.readline()
            writer.close()
            if b" 200 " in status:
                ready()
                return
        except OSError:
            pass
        await asyncio.sleep(0.02)


def _stop_functions() -> None:
    """End the functions' processes; they are children and would outlive us."""
    runtime = sys.modules.get("ministack.core.lambda_runtime")
    if runtime is not None:
        runtime.reset()


if __name__ == "__main__":
    main()
