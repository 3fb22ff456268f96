"""The scripts that fetch a released wheel, run against a fake of the release API on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import attrs
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = {
    "sh": (["sh", str(EXAMPLES / "download-wheel.sh")], ("sh", "curl", "jq")),
    "ps1": (["pwsh", "-NoProfile", "-NonInteractive", "-File", str(EXAMPLES / "download-wheel.ps1")], ("pwsh",)),
}
WHEEL = "thing-1.2.0-py3-none-any.whl"
CONTENT = bytes(range(256)) * 40
LATEST = "/repos/owner/thing/releases/latest"


@attrs.frozen
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = attrs.field(factory=dict)
    announced: int | None = None  # a Content-Length that the body does not reach


def answer(value: object, status: int = 200, **headers: str) -> Answer:
    return Answer(status, json.dumps(value).encode(), headers)


class ReleaseApi(ThreadingHTTPServer):
    """Answers GET requests from a table of paths, and remembers them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def asset(self, name: str = WHEEL, size: int = len(CONTENT), **fields: Any) -> dict[str, Any]:
        return {"name": name, "size": size, "state": "uploaded", "url": f"{self.url}/assets/{name}", **fields}

    def release(self, *assets: dict[str, Any], path: str = LATEST, tag: str = "v1.2.0") -> None:
        self.answers[path] = answer({"tag_name": tag, "assets": list(assets)})


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        api = cast(ReleaseApi, self.server)
        api.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        found = api.answers.get(self.path, answer({"message": "Not Found"}, 404))
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(found.body) if found.announced is None else found.announced))
        self.end_headers()
        self.wfile.write(found.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[ReleaseApi]:
    """A repository `owner/thing` with one release, which has a wheel and its sources."""
    with ReleaseApi() as server:
        server.answers["/repos/owner/thing"] = answer({"full_name": "owner/thing"})
        server.answers[f"/assets/{WHEEL}"] = Answer(200, CONTENT)
        server.release(server.asset("thing-1.2.0.tar.gz", 5), server.asset())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@attrs.frozen
class Download:
    """One of the scripts, to be run in a directory of its own."""

    command: list[str]
    directory: Path
    url: str

    def __call__(self, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "TEMP") if name in os.environ}
        settings = {"GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": "owner/thing", **variables}
        return subprocess.run(
            [*self.command, *args],
            cwd=self.directory,
            env={**environment, **settings},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    def fails(self, status: int, complaint: str, *args: str, **variables: str) -> None:
        """Asserts that the script says this in one line, and leaves no file behind."""
        run = self(*args, **variables)
        assert (run.returncode, run.stdout) == (status, "")
        assert run.stderr.startswith("download-wheel: ")
        assert run.stderr.count("\n") == 1
        assert complaint in run.stderr
        assert self.files() == []

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.directory)) for path in self.directory.rglob("*") if path.is_file())


@pytest.fixture(params=SCRIPTS)
def download(request: pytest.FixtureRequest, api: ReleaseApi, tmp_path: Path) -> Download:
    command, tools = SCRIPTS[request.param]
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed here, and download-wheel.{request.param} needs it")
    return Download(command, tmp_path, api.url)


def test_the_newest_wheel_is_downloaded_and_its_path_printed(download: Download, api: ReleaseApi) -> None:
    run = download()
    assert (run.returncode, run.stderr) == (0, "")
    assert (download.directory / run.stdout.strip()).read_bytes() == CONTENT
    assert download.files() == [WHEEL]
    assert [path for path, _ in api.seen] == [LATEST, f"/assets/{WHEEL}"]
    assert api.seen[1][1]["accept"] == "application/octet-stream"
    assert "authorization" not in api.seen[0][1]


def test_a_destination_is_made_and_an_older_file_replaced(download: Download) -> None:
    there = download.directory / "new" / "wheels"
    for _ in range(2):
        assert download(DEST="new/wheels").returncode == 0
        assert (there / WHEEL).read_bytes() == CONTENT
        (there / WHEEL).write_bytes(b"older")


def test_a_tag_chooses_another_release(download: Download, api: ReleaseApi) -> None:
    api.release(api.asset(), path="/repos/owner/thing/releases/tags/beta%2F1", tag="beta/1")
    assert download(TAG="beta/1").returncode == 0
    assert download.files() == [WHEEL]


def test_a_token_is_sent_to_the_api_and_kept_from_another_host(download: Download, api: ReleaseApi) -> None:
    # The storage behind a release is another origin; so is localhost here.
    api.answers[f"/assets/{WHEEL}"] = Answer(302, headers={"Location": f"http://localhost:{api.server_port}/storage"})
    api.answers["/storage"] = Answer(200, CONTENT)
    assert download(GITHUB_TOKEN="ghp_secret", GITHUB_API_URL=api.url + "/").returncode == 0
    assert [headers.get("authorization") for _, headers in api.seen] == ["Bearer ghp_secret", "Bearer ghp_secret", None]


def test_the_universal_wheel_is_taken_where_there_are_several(download: Download, api: ReleaseApi) -> None:
    api.release(api.asset("thing-1.2.0-cp311-cp311-win_amd64.whl"), api.asset(), api.asset("../evil.whl"))
    assert download().returncode == 0
    assert download.files() == [WHEEL]


def test_help_explains_every_setting(download: Download) -> None:
    run = download("--help", GITHUB_REPOSITORY="")
    assert (run.returncode, run.stderr) == (0, "")
    assert all(name in run.stdout for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN", "GITHUB_API_URL", "TAG", "DEST"))


def test_called_wrongly(download: Download) -> None:
    download.fails(2, "set GITHUB_REPOSITORY", GITHUB_REPOSITORY="")
    download.fails(2, "'thing', which is not owner/name", GITHUB_REPOSITORY="thing")
    download.fails(2, "'a/b/c', which is not owner/name", GITHUB_REPOSITORY="a/b/c")
    download.fails(2, "'own er/x', which is not owner/name", GITHUB_REPOSITORY="own er/x")
    download.fails(2, "unknown argument 'thing'", "thing")
    download.fails(2, "GITHUB_TOKEN holds a character", GITHUB_TOKEN='x"\nurl = "http://127.0.0.1/')


def test_no_such_repository(download: Download, api: ReleaseApi) -> None:
    download.fails(1, f"there is no repository owner/other at {api.url}", GITHUB_REPOSITORY="owner/other")


def test_no_release(download: Download, api: ReleaseApi) -> None:
    del api.answers[LATEST]
    download.fails(1, "owner/thing has no release\n")
    download.fails(1, "owner/thing has no release tagged v9\n", TAG="v9")


@pytest.mark.parametrize("name", ["thing-1.2.0.tar.gz", "../evil.whl", "-rf.whl", "a b.whl"])
def test_a_release_without_a_usable_wheel(download: Download, api: ReleaseApi, name: str) -> None:
    api.release(api.asset(name), api.asset(state="starter"))
    download.fails(1, "owner/thing: release v1.2.0 has no wheel")
    api.release()
    download.fails(1, "owner/thing: release v1.2.0 has no wheel")


def test_a_release_with_wheels_for_single_platforms(download: Download, api: ReleaseApi) -> None:
    api.release(api.asset("thing-1-cp311-cp311-win_amd64.whl"), api.asset("thing-1-cp312-cp312-win_amd64.whl"))
    download.fails(
        1, "has 2 wheels, and none that fits every platform: thing-1-cp311-cp311-win_amd64.whl thing-1-cp312"
    )


@pytest.mark.parametrize("status", [403, 429])
def test_the_rate_limit(download: Download, api: ReleaseApi, status: int) -> None:
    limits = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1893456000"}
    api.answers[LATEST] = answer({"message": "API rate limit exceeded"}, status, **limits)
    download.fails(1, f"the rate limit of {api.url} is used up until 2030-01-01T00:00:00Z; wait, or set GITHUB_TOKEN")


@pytest.mark.parametrize(
    ("status", "complaint"),
    [(401, "GITHUB_TOKEN is wrong or has expired"), (403, "HTTP 403 from "), (500, "HTTP 500 from ")],
)
def test_other_refusals(download: Download, api: ReleaseApi, status: int, complaint: str) -> None:
    api.answers[LATEST] = answer({"message": "Resource not accessible"}, status)
    download.fails(1, complaint, GITHUB_TOKEN="ghp_old")
    api.answers[LATEST] = Answer(status, b"<html>no JSON</html>")
    download.fails(1, complaint)


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"[]", b"null", b'{"tag_name": "v1"}', b'{"assets": 7'])
def test_an_answer_that_is_not_a_release(download: Download, api: ReleaseApi, body: bytes) -> None:
    api.answers[LATEST] = Answer(200, body)
    download.fails(1, f"the answer of {api.url}{LATEST} is not a release in JSON")


def test_a_wheel_without_an_address(download: Download, api: ReleaseApi) -> None:
    api.release({"name": WHEEL, "size": 3})
    download.fails(1, "is not a release in JSON")


def test_a_download_that_breaks_off_leaves_nothing(download: Download, api: ReleaseApi) -> None:
    asset = f"/assets/{WHEEL}"
    api.answers[asset] = Answer(200, CONTENT, announced=len(CONTENT) + 1)
    download.fails(1, f"cannot get {api.url}{asset}: ")
    api.answers[asset] = Answer(200, CONTENT[:-1])
    download.fails(1, f"the download of {WHEEL} was cut short: {len(CONTENT) - 1} of {len(CONTENT)} bytes")
    api.answers[asset] = Answer(404, b"gone")
    download.fails(1, f"HTTP 404 from {api.url}{asset}")


def test_a_server_that_is_not_there(download: Download, api: ReleaseApi) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        url = f"http://127.0.0.1:{closed.server_port}"
    download.fails(1, f"cannot get {url}{LATEST}: ", GITHUB_API_URL=url)


def test_a_destination_that_cannot_be_made(download: Download) -> None:
    (download.directory / "file").write_text("in the way")
    run = download(DEST="file/below")
    assert (run.returncode, run.stderr) == (1, "download-wheel: cannot make the directory 'file/below'\n")


@pytest.mark.parametrize("missing", ["curl", "jq"])
def test_a_missing_tool_is_named(api: ReleaseApi, tmp_path: Path, missing: str) -> None:
    shell = shutil.which("sh")
    if not shell:
        pytest.skip("sh not installed here, and download-wheel.sh needs it")
    bare = tmp_path / "bin"
    bare.mkdir()
    there = {"curl", "jq"} - {missing}
    for tool in there:
        (bare / tool).symlink_to("/bin/sh")
    (tmp_path / "work").mkdir()
    download = Download([shell, str(EXAMPLES / "download-wheel.sh")], tmp_path / "work", api.url)
    download.fails(2, f"{missing} is not installed", PATH=str(bare))
