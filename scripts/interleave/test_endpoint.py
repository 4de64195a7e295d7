"""Do clients that nobody here wrote, curl and wrk, get from the mock LLM what they must?"""

import json
import subprocess

import pytest

from .endpoint import PATH
from .endpoint_figures import calls_with_wrk
from .endpoint_fixture import (
    PROGRAM, answer_to, eventually, free_port, needs_endpoint, needs_program, question, started)
from .streams import Streams, frames_of

pytestmark = needs_endpoint
needs_curl, needs_wrk = needs_program("curl"), needs_program("wrk")

# Exit codes of curl, from its manual.
REFUSED, BROKEN_OFF, TIMED_OUT, RECEIVING_FAILED = 7, 18, 28, 56
PATIENCE = ("--max-time", "0.3")


@pytest.fixture(scope="module")
def endpoint():
    with started() as running:
        yield running


class Answer:
    """What curl got: exit code, then of the last reply status, headers, body, and what it tells."""

    def __init__(self, done, folder):
        self.code, self.complaint = done.returncode, done.stderr.decode()
        self.told = [json.loads(line) for line in done.stdout.splitlines()]
        self.status = self.told[-1]["http_code"]
        heads = (folder / "head").read_text().strip().split("\n\n") if (
            folder / "head").exists() else []
        self.heads = [head.splitlines() for head in heads]
        self.headers = {name.lower(): value for name, value in (
            line.split(": ", 1) for line in (self.heads[-1][1:] if heads else []))}
        body = folder / "body"
        self.body = body.read_bytes() if body.exists() else b""

    def json(self):
        return json.loads(self.body)

    def frames(self):
        return frames_of(self.body)

    def chunks(self):
        """The frames of a whole stream, without its end."""
        *frames, last = self.frames()
        assert last == b"[DONE]"
        return [json.loads(frame) for frame in frames]


@pytest.fixture
def curl(endpoint, tmp_path):
    """curl(path, *flags) as a person types it; `body` goes in a file, so that any size does."""
    def call(path, *flags, body=None, port=None):
        for name in ("head", "body"):
            (tmp_path / name).unlink(missing_ok=True)
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            (tmp_path / "data").write_bytes(data)
            flags = ("--data-binary", f"@{tmp_path}/data", *flags)
        done = subprocess.run(
            ["curl", "-sS", "--noproxy", "*", "--max-time", "20", "-D", tmp_path / "head",
             "-w", "%{json}\\n", *flags, "-o", tmp_path / "body",
             f"http://127.0.0.1:{port or endpoint.port}{path}"],
            capture_output=True, stdin=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin",
                                                                "LC_ALL": "C"})
        return Answer(done, tmp_path)
    return call


def contents(chunks):
    """What each chunk with a choice adds to the answer; None: nothing."""
    return [chunk["choices"][0]["delta"].get("content") for chunk in chunks if chunk["choices"]]


# --- answers ---


@needs_curl
def test_a_plain_answer_is_as_openai_would_send_it(curl):
    answer = curl(PATH, body=question("7", model="any"))
    assert (answer.code, answer.status) == (0, 200)
    assert answer.headers["content-type"].startswith("application/json")
    said = answer.json()
    assert said["object"] == "chat.completion" and said["model"] == "any"
    assert isinstance(said["id"], str) and isinstance(said["created"], int)
    [choice] = said["choices"]
    assert choice["index"] == 0 and choice["finish_reason"] == "stop"
    assert choice["message"] == {"role": "assistant", "content": answer_to("7")}
    usage = said["usage"]
    assert usage["completion_tokens"] == 1
    assert usage["total_tokens"] == usage["prompt_tokens"] + 1


@needs_curl
@pytest.mark.parametrize("content", ["0", "7", str(2**64 - 1), str(2**64), "hello", "", "-1", "1.5",
                                     "Grüße \N{SLICE OF PIZZA}", 'say "no"\n\\'])
@pytest.mark.parametrize("seed", [0, 1, 2**63])
def test_an_answer_is_a_function_of_seed_and_last_message(curl, content, seed):
    messages = [{"role": "system", "content": "any"}, {"role": "user", "content": content}]
    answer = curl(PATH, body={"messages": messages, "seed": seed, "temperature": 2})
    assert answer.json()["choices"][0]["message"]["content"] == answer_to(content, seed)


@needs_curl
def test_a_plain_answer_has_as_many_tokens_as_asked_for_and_the_digits_last(curl):
    for field in ("max_tokens", "max_completion_tokens"):
        said = curl(PATH, body=question("7", **{field: 5})).json()
        words = said["choices"][0]["message"]["content"].split()
        assert len(words) == 5 and words[-1] == answer_to("7")
        assert said["usage"]["completion_tokens"] == 5


@needs_curl
def test_a_stream_is_role_then_contents_then_finish_then_done(curl):
    answer = curl(PATH, "-N", body=question("7", stream=True, max_tokens=3))
    assert (answer.code, answer.status) == (0, 200)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in answer.headers
    chunks = answer.chunks()
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert [list(delta) for delta in deltas[1:]] == [["content"]] * 3 + [[]]
    assert deltas[3]["content"].strip() == answer_to("7")
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 4 + ["stop"]
    assert not any(chunk.get("usage") for chunk in chunks)


@needs_curl
def test_a_stream_and_a_plain_answer_say_the_same(curl):
    plain = curl(PATH, body=question("7", max_tokens=4)).json()
    stream = curl(PATH, body=question("7", max_tokens=4, stream=True)).chunks()
    assert "".join(text or "" for text in contents(stream)) == (
        plain["choices"][0]["message"]["content"])


@needs_curl
def test_usage_comes_last_in_a_stream_that_asks_for_it(curl):
    *_, last = curl(PATH, body=question(
        "7", stream=True, max_tokens=3, stream_options={"include_usage": True})).chunks()
    assert last["choices"] == []
    usage = last["usage"]
    assert usage["completion_tokens"] == 3
    assert usage["total_tokens"] == usage["prompt_tokens"] + 3


@needs_curl
def test_no_answer_comes_before_its_time(curl):
    def first_and_all(**fields):
        body = question("7", mock={"first_ns": 60_000_000, "gap_ns": 20_000_000}, **fields)
        told = curl(PATH, "-N", body=body).told[-1]
        return told["time_starttransfer"], told["time_total"]

    first, _ = first_and_all()
    assert first >= 0.06
    first, _ = first_and_all(max_tokens=3)  # in one piece: when the last token would come
    assert first >= 0.1
    first, total = first_and_all(max_tokens=3, stream=True)
    assert 0.06 <= first and total >= 0.1


# --- faults that a request asks for ---


@needs_curl
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_error_that_is_asked_for_has_openais_shape(curl, status, stream):
    answer = curl(PATH, body=question("7", stream=stream, mock={"status": status}))
    assert (answer.code, answer.status) == (0, status)
    error = answer.json()["error"]
    assert error["message"] and error["type"] and error["param"] is None and "code" in error
    assert "retry-after" not in answer.headers


@needs_curl
@pytest.mark.parametrize("ms, seconds", [(12.345, 1), (1000, 1), (1000.5, 2), (30000, 30)])
def test_retry_after_is_told_in_milliseconds_and_in_whole_seconds_not_less(curl, ms, seconds):
    answer = curl(PATH, body=question("7", mock={"status": 429, "retry_after_ms": ms}))
    assert float(answer.headers["retry-after-ms"]) == ms
    assert answer.headers["retry-after"] == str(seconds)


@needs_curl
def test_curl_gives_up_on_a_silent_call_without_a_byte(curl):
    answer = curl(PATH, *PATIENCE, body=question("7", mock={"fault": "silent"}))
    assert (answer.code, answer.status, answer.body) == (TIMED_OUT, 0, b"")


@needs_curl
@pytest.mark.parametrize("stream", [False, True])
def test_curl_gives_up_on_a_stalled_answer_with_a_part_of_it(curl, stream):
    answer = curl(PATH, "-N", *PATIENCE, body=question("7", stream=stream, max_tokens=8,
                                                       mock={"fault": "stall"}))
    assert (answer.code, answer.status) == (TIMED_OUT, 200)
    assert answer.body and answer_to("7").encode() not in answer.body
    assert not answer.body.endswith(b"[DONE]\n\n")


@needs_curl
@pytest.mark.parametrize("stream", [False, True])
def test_curl_notices_an_answer_that_is_cut(curl, stream):
    answer = curl(PATH, body=question("7", stream=stream, max_tokens=8, mock={"fault": "cut"}))
    assert (answer.code, answer.status) == (BROKEN_OFF, 200)
    assert b"[DONE]" not in answer.body


@needs_curl
@pytest.mark.parametrize("stream", [False, True])
def test_curl_notices_a_reset(curl, stream):
    answer = curl(PATH, body=question("7", stream=stream, max_tokens=8, mock={"fault": "reset"}))
    assert answer.code == RECEIVING_FAILED and "reset" in answer.complaint


@needs_curl
def test_garbage_instead_of_an_answer_is_no_json(curl):
    answer = curl(PATH, body=question("7", mock={"fault": "garbage"}))
    assert (answer.code, answer.status) == (0, 200)
    with pytest.raises(ValueError):
        answer.json()


@needs_curl
def test_garbage_in_a_stream_is_a_frame_that_is_no_json(curl):
    answer = curl(PATH, body=question("7", stream=True, max_tokens=4, mock={"fault": "garbage"}))
    assert (answer.code, answer.status) == (0, 200)
    with pytest.raises(ValueError):
        [json.loads(frame) for frame in answer.frames() if frame != b"[DONE]"]


@needs_curl
def test_a_duplicated_frame_is_one_content_more(curl):
    chunks = curl(PATH, body=question("7", stream=True, max_tokens=4,
                                      stream_options={"include_usage": True},
                                      mock={"fault": "duplicate"})).chunks()
    came = [text for text in contents(chunks) if text]
    assert len(came) == 5 and chunks[-1]["usage"]["completion_tokens"] == 4


def without_time(said):
    return [{name: value for name, value in chunk.items() if name not in ("id", "created")}
            for chunk in said]


@needs_curl
@pytest.mark.parametrize("fault", ["split", "merge"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_in_other_pieces_is_the_same_answer(curl, fault, stream):
    def said(**mock):
        answer = curl(PATH, body=question("7", stream=stream, max_tokens=8, mock=mock))
        assert (answer.code, answer.status) == (0, 200)
        return without_time(answer.chunks() if stream else [answer.json()])

    assert said(fault=fault) == said()


@needs_curl
def test_the_refusing_port_refuses(curl, endpoint):
    assert curl(PATH, body=question(), port=endpoint.refusing_port).code == REFUSED


# --- faults and limits that flags ask for ---


@needs_curl
def test_rates_of_faults_are_drawn_from_seed_and_request_alone(curl):
    def statuses():
        with started("--faults", "500=0.3,429=0.2", "--seed", "5") as running:
            return [curl(PATH, body=question(str(n)), port=running.port).status for n in range(40)]

    first = statuses()
    assert set(first) == {200, 429, 500}
    assert statuses() == first


@needs_curl
def test_calls_beyond_the_rate_are_429_and_say_when_to_come_again(curl):
    with started("--rate", "0.01", "--burst", "2") as running:
        answers = [curl(PATH, body=question(), port=running.port) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert 0 < float(answers[2].headers["retry-after-ms"]) <= 100_000
    assert 1 <= int(answers[2].headers["retry-after"]) <= 100


@needs_curl
def test_health_and_figures_are_not_limited(curl):
    with started("--rate", "0.01", "--burst", "1", "--in-flight", "1", "--queue", "0",
                 "--faults", "500=1") as running:
        for _ in range(3):
            for path in ("/healthz", "/stats", "/v1/models"):
                assert curl(path, port=running.port).status == 200


@needs_curl
def test_calls_beyond_those_in_flight_wait_in_a_queue_and_beyond_that_are_503(curl):
    with started("--in-flight", "1", "--queue", "1") as running:
        url = running.url(PATH)

        def start(body):
            return subprocess.Popen(["curl", "-sS", "--noproxy", "*", "--max-time", "20", url, "-d",
                                     json.dumps(body)], stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

        with start(question("1", mock={"fault": "silent"})) as in_flight:
            eventually(running, lambda stats: stats["in_flight"] == 1)
            with start(question("2")) as queued:
                eventually(running, lambda stats: stats["queued"] == 1)
                assert curl(PATH, body=question("3"), port=running.port).status == 503
                in_flight.kill()
                assert answer_to("2").encode() in queued.stdout.read()
        stats = eventually(running, lambda stats: stats["in_flight"] == 0)
        assert stats["queued"] == 0


# --- the protocol ---


@needs_curl
@pytest.mark.parametrize("path, flags, status", [
    ("/nonesuch", (), 404), ("/", (), 404), ("/v1/chat/completions/x", ("-d", "{}"), 404),
    (PATH, (), 405), (PATH, ("-X", "DELETE"), 405), ("/healthz", ("-d", "x"), 405),
    ("/v1/models", ("-X", "PUT"), 405), ("/stats", ("-d", "{}"), 405),
    (PATH, ("-d", ""), 400), (PATH, ("-d", "{"), 400), (PATH, ("-d", "[]"), 400),
    (PATH, ("-d", "7"), 400), (PATH, ("-d", "{}"), 400), (PATH, ("-d", '{"messages": []}'), 400),
    (PATH, ("-d", '{"messages": 7}'), 400), (PATH, ("-d", '{"messages": [7]}'), 400),
    (PATH, ("-d", '{"messages": [{"role": "user", "content": "1"}]} x'), 400),
    (PATH, ("-d", "[" * 100_000), 400),
    ("/healthz", ("-H", "X-Long: " + "x" * 9000), 431)], ids=lambda value: str(value)[:30])
def test_what_it_does_not_serve_is_an_error_in_openais_shape(curl, path, flags, status):
    answer = curl(path, *flags)
    assert (answer.code, answer.status) == (0, status)
    assert answer.headers["content-type"].startswith("application/json")
    error = answer.json()["error"]
    assert error["message"] and error["type"] and error["param"] is None and "code" in error


@needs_curl
@pytest.mark.parametrize("mock", [
    {"fault": "nonesuch"}, {"status": 418}, {"status": "429"}, {"first_ns": -1},
    {"first_ns": "1"}, {"gap_ns": 10**19}, {"retry_after_ms": -1}, 7], ids=str)
def test_a_plan_that_cannot_be_followed_is_refused(curl, mock):
    answer = curl(PATH, body=question("7", mock=mock))
    assert answer.status == 400 and answer.json()["error"]["message"]


@needs_curl
@pytest.mark.parametrize("flags", [("-H", "Expect:"), ("-H", "Expect: 100-continue"),
                                   ("-H", "Transfer-Encoding: chunked")], ids=str)
def test_a_body_over_one_mebibyte_is_413_and_one_below_is_read(curl, flags):
    assert curl(PATH, *flags, body=question("x" * (1 << 20))).status == 413
    text = "x" * 1_000_000
    answer = curl(PATH, *flags, body=question(text))
    assert answer.json()["choices"][0]["message"]["content"] == answer_to(text)


@needs_curl
def test_who_waits_for_100_continue_gets_it(curl):
    answer = curl(PATH, "-H", "Expect: 100-continue", "--expect100-timeout", "15",
                  body=question("7"))
    assert [head[0].split()[1] for head in answer.heads] == ["100", "200"]
    assert answer_to("7") in answer.body.decode()
    assert answer.told[-1]["time_total"] < 15


@needs_curl
def test_a_chunked_body_is_read(curl):
    answer = curl(PATH, "-H", "Transfer-Encoding: chunked", body=question("7" * 5))
    assert answer.json()["choices"][0]["message"]["content"] == answer_to("7" * 5)


@needs_curl
def test_one_connection_serves_many_calls_errors_and_streams_among_them(endpoint, tmp_path):
    calls = []
    for path, body in ((PATH, question("1")), (PATH, question("2", stream=True, max_tokens=3)),
                       ("/nonesuch", None), (PATH, question("3", mock={"status": 429})),
                       ("/healthz", None), (PATH, question("4"))):
        calls += (["--next"] if calls else []) + [
            "-sS", "--noproxy", "*", "-o", str(tmp_path / "body"), "-w", "%{num_connects}\\n",
            *(["-d", json.dumps(body)] if body else []), endpoint.url(path)]
    told = subprocess.run(["curl", *calls], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["1", "0", "0", "0", "0", "0"]


@needs_curl
def test_a_connection_that_is_not_to_be_kept_is_closed(curl):
    answer = curl(PATH, "-H", "Connection: close", body=question())
    assert answer.headers["connection"] == "close"


@needs_curl
def test_a_client_of_http_1_0_gets_no_chunks_and_the_end_is_the_end(curl):
    answer = curl(PATH, "--http1.0", body=question("7", stream=True, max_tokens=3))
    assert (answer.code, answer.status) == (0, 200)
    assert "transfer-encoding" not in answer.headers
    assert answer.headers.get("connection") != "keep-alive"
    assert len(answer.chunks()) == 5
    assert answer_to("7") in curl(PATH, "--http1.0", body=question("7")).body.decode()


@needs_curl
@pytest.mark.parametrize("path", ["/healthz", "/v1/models", "/stats"])
def test_head_is_the_head_of_get(curl, path):
    head, get = curl(path, "--head"), curl(path)
    assert (head.code, head.status, get.status) == (0, 200, 200)
    assert head.headers["content-type"] == get.headers["content-type"]


@needs_curl
def test_what_else_it_serves(curl):
    assert curl("/healthz").body.strip() == b"ok"
    models = curl("/v1/models").json()
    assert models["object"] == "list" and models["data"][0]["object"] == "model"
    assert models["data"][0]["id"]
    stats = curl("/stats").json()
    for name in ("requests", "connections", "open_connections", "in_flight", "queued", "tokens"):
        assert isinstance(stats[name], int), name
    assert {"n", "p50_ns", "p99_ns", "max_ns"} <= stats["lateness"].keys()


@needs_curl
def test_a_question_mark_and_an_absolute_url_lead_to_the_same_place(curl, endpoint):
    assert curl("/healthz?verbose=1").status == 200
    assert curl("/healthz", "--request-target", endpoint.url("/healthz")).status in (200, 404)


# --- load and lifetime ---


@needs_wrk
def test_no_call_of_wrks_fails_or_gets_another_answer(endpoint):
    told = calls_with_wrk(endpoint, 1, expected=answer_to("7"))
    assert told.pop("calls") > 0 and told.pop("duration_us") > 0
    assert set(told.values()) == {0}, told


def test_many_streams_at_once_are_all_whole(endpoint):
    streams = Streams(endpoint.port, 200, 20, first_ns=10_000_000, gap_ns=1_000_000)
    streams.read()
    assert len(streams.replies) == 200 and streams.faults() == []
    stats = eventually(endpoint, lambda stats: stats["in_flight"] == 0)
    assert stats["lateness"]["n"] >= 200 * 20


def test_it_ends_when_nobody_holds_its_standard_input_and_when_it_is_told():
    for end in (lambda process: process.stdin.close(), lambda process: process.terminate()):
        with started() as running:
            stream = Streams(running.port, 1, 1000, first_ns=0, gap_ns=1_000_000_000)

            def on_request(process=running.process, end=end):
                end(process)

            stream.read(on_all_running=on_request)  # a stream of a quarter of an hour breaks off
            assert running.process.wait(10) == 0
            assert len(stream.faults()) == 1


@pytest.mark.parametrize("flags", [("--nonesuch",), ("--first-ms", "soon"), ("--first-ms", "-1"),
                                   ("--faults", "429=2"), ("--faults", "nonesuch=0.1"),
                                   ("--faults", "429=0.6,500=0.6"), ("--port", "65536"),
                                   ("--threads", "0"), ("stray",)], ids=str)
def test_a_bad_flag_is_one_line_and_exit_2(flags):
    done = subprocess.run([PROGRAM, *flags], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=10)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_one_line_and_no_crash(endpoint):
    done = subprocess.run([PROGRAM, "--port", str(endpoint.port)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=10)
    assert done.returncode in (1, 2) and done.stdout == ""
    assert done.stderr.count("\n") == 1 and str(endpoint.port) in done.stderr


def test_a_port_that_is_asked_for_is_the_one_it_has():
    port = free_port()
    with started("--port", port) as running:
        assert running.port == port and running.refusing_port not in (0, port)
