"""The page in a headless Chromium: upload, paste, drop, result, keyboard, errors, two tabs.

With AOCR_SCREENSHOTS=DIR, pictures of the page are saved there.
"""

import base64
import csv
import json
import os
import pathlib
import re

import browser as driver
import httpx
import pytest
from live_server import live_server
from tiny_model import picture, png

import aocr

pytestmark = pytest.mark.skipif(not driver.CHROMIUM, reason="Chromium is not installed")

TEXT, STATUS = "$('text').textContent", "$('status').textContent"
ROWS = "[...document.querySelectorAll('#rows tr')].map(r => [...r.cells].map(c => c.textContent))"

FILE_EVENT = """
(() => {
  const bytes = Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "%s", {type: "image/png"}));
  %s
})()
"""
PASTE = "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer}))"
DROP = "document.dispatchEvent(new DragEvent('drop', {dataTransfer: transfer, cancelable: true}));"


@pytest.fixture(scope="module")
def server(tiny):
    with live_server(tiny.model_dir) as running:
        yield running


@pytest.fixture(scope="module")
def expected(tiny):
    with aocr.load(tiny.model_dir) as reader:
        return {name: reader.read(png(name)) for name in "abc"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with driver.browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def tab(running, server):
    opened = running.open(f"{server.url}/")
    opened.wait("$('model').textContent.includes('version')")
    opened.front()
    return opened


def screenshot(tab, name):
    if folder := os.environ.get("AOCR_SCREENSHOTS"):
        tab.screenshot(pathlib.Path(folder) / f"{name}.png")


def give(tab, event, name):
    data = base64.b64encode(png(name)).decode()
    tab.run(FILE_EVENT % (data, f"{name}.png", event))
    tab.wait(f"{STATUS}.startsWith('{name}.png: ')")


def shown(reading):
    return reading.text or "(no text)"


def percent(probability):
    return f"{100 * probability:.1f} %"


def test_chosen_files_are_read_and_listed(tab, expected, tmp_path, server):
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for name, path in zip("abc", paths, strict=True):
        path.write_bytes(png(name))
    tab.choose_files("#files", paths)
    tab.wait("document.querySelectorAll('#rows tr').length === 3")
    assert tab.run(TEXT) == shown(expected["c"])
    assert tab.run(ROWS) == [
        [f"{n}.png", expected[n].text, percent(expected[n].probability)] for n in "cba"
    ]
    characters = tab.run("[...document.querySelectorAll('#characters b')].map(c => c.textContent)")
    assert characters == list(expected["c"].text)
    shares = tab.run("[...document.querySelectorAll('#characters small')].map(c => c.textContent)")
    assert shares == [percent(p) for p in expected["c"].character_probabilities]
    tab.run("document.querySelector('#rows tr:last-child button').click()")
    assert tab.run(TEXT) == shown(expected["a"])
    lines = tab.run("asCsv()").split("\r\n")
    assert lines[0] == "image,text,probability"
    assert lines[1].startswith(f"c.png,{expected['c'].text},")
    assert tab.run("quoted('a\"b,c')") == '"a""b,c"'
    screenshot(tab, "light")
    tab.call(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    screenshot(tab, "dark")
    assert tab.complaints() == [c for c in tab.complaints() if c.startswith(server.url)]


@pytest.mark.parametrize("event", [PASTE, DROP], ids=["paste", "drop"])
def test_images_are_pasted_and_dropped(tab, expected, event):
    give(tab, event, "b")
    assert tab.run(TEXT) == shown(expected["b"])
    assert tab.run("$('probability').textContent") == percent(expected["b"].probability)


def test_a_paste_without_an_image_says_so(tab):
    tab.run(
        "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: new DataTransfer()}))"
    )
    assert tab.run(STATUS) == "The clipboard holds no image."


def test_the_keyboard_alone_reaches_everything_and_shows_the_attention(tab, expected):
    give(tab, PASTE, "a")
    reached = []
    plain = tab.run("$('picture').toDataURL()")
    for _ in range(40):
        tab.press("Tab")
        name = tab.run("document.activeElement.id || document.activeElement.textContent.trim()")
        reached.append(name)
        if tab.run("document.activeElement.closest('#characters') !== null"):
            assert tab.run("$('picture').dataset.attention") == "shown"
            assert tab.run("$('picture').toDataURL()") != plain
            screenshot(tab, "attention")
        if name == "metadata":
            break
    assert tab.run("$('picture').toDataURL()") == plain
    for control in ("choose", "camera", "copy-text", "copy-table", "csv", "clear", "copy-curl"):
        assert control in reached
    assert sum(name.endswith("%") for name in reached) == len(expected["a"].text)
    tab.run("$('clear').focus()")
    tab.press("Enter")
    assert tab.run(ROWS) == []
    assert tab.run("document.activeElement.id") == "choose"


@pytest.fixture
def phone(running, server):
    opened = running.open("about:blank")
    opened.call("Emulation.setTouchEmulationEnabled", enabled=True)
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    opened.call("Emulation.setDeviceMetricsOverride", **size)
    opened.call("Page.navigate", url=f"{server.url}/")
    opened.wait("typeof $ === 'function' && $('model').textContent.includes('version')")
    opened.front()
    return opened


def test_on_a_phone_nothing_is_cut_off_and_no_key_is_named(phone, tmp_path):
    path = tmp_path / f"{'a_long_name_' * 8}.png"
    path.write_bytes(png("a"))
    phone.choose_files("#files", [path])
    phone.wait(f"{STATUS}.includes(': read')")
    phone.run("readings[0].text = 'W'.repeat(40); listReadings()")
    cut = """[...document.querySelectorAll('body *')].filter((e) => !e.closest('pre') &&
      e.getBoundingClientRect().right > innerWidth).map((e) => e.outerHTML)"""
    assert phone.run(cut) == []
    assert phone.run("document.documentElement.scrollWidth") == 390
    table = "document.querySelector('table')"
    assert phone.run(f"{table}.scrollWidth <= {table}.parentElement.clientWidth")
    said = phone.run("document.body.innerText")
    assert "Ctrl" not in said
    assert "Touch a character" in said
    screenshot(phone, "phone")


def test_the_table_holds_no_formulas(tab):
    for place, start in enumerate(["=", "+", "-", "@", "\t", "\r", "＝", "A=", "'"]):
        given = json.dumps([f"{start}1.png", f'{start}2;"3'])
        tab.run(f"readings.push({{name: {given}[0], text: {given}[1], probability: 0.5}})")
        cells = next(csv.reader([tab.run(f"asCsv().split('\\r\\n')[{place + 1}]")]))
        shown = "" if start in ("A=", "'") else "'"
        assert cells == [f"{shown}{start}1.png", f'{shown}{start}2;"3', "0.5"]
        copied = tab.run(f"asTabs().split('\\n')[{place + 1}]").split("\t")
        assert copied[0] == f"{shown}{start}1.png".replace("\t", " ").replace("\r", " ")


@pytest.mark.parametrize(
    ("model", "options", "shown"),
    [
        ("model_dir", {}, "model model, version 1"),
        ("versions", {}, "model versions, version 3"),
        ("model_dir", {"name": "plates"}, "model plates (model), version 1"),
    ],
)
def test_the_page_names_the_model_that_is_served(running, tiny, model, options, shown):
    with live_server(getattr(tiny, model), **options) as server:
        tab = running.open(f"{server.url}/")
        tab.wait("$('model').textContent.includes('version')")
        assert tab.run("$('model').textContent") == shown
        path = f"/v1/models/{options.get('name', 'aocr')}:predict"
        assert path in tab.run("$('rest').textContent")


def test_what_cannot_be_read_is_an_error_beside_the_last_result(tab, expected, tmp_path):
    give(tab, PASTE, "a")
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not an image")
    tab.choose_files("#files", [bad])
    tab.wait(f"{STATUS}.startsWith('bad.png: not a readable image')")
    assert tab.run("$('status').classList.contains('bad')")
    assert tab.run(TEXT) == shown(expected["a"])
    screenshot(tab, "error")


def test_a_format_that_the_browser_does_not_know_is_read_without_a_picture(tab, expected, tmp_path):
    picture("a").save(tmp_path / "a.tiff")
    tab.choose_files("#files", [tmp_path / "a.tiff"])
    tab.wait(f"{STATUS}.startsWith('a.tiff: read')")
    assert tab.run(TEXT) == shown(expected["a"])
    assert tab.run("$('picture').hidden")


def test_the_camera_takes_a_picture(tab):
    tab.run("$('camera').click()")
    tab.wait("$('video').videoWidth > 0")
    screenshot(tab, "camera")
    tab.run("$('shoot').click()")
    tab.wait(f"{STATUS}.startsWith('camera.png: read')")
    assert not tab.run("$('camera-dialog').open")


def test_two_tabs_do_not_mix(running, server, expected):
    tabs = [running.open(f"{server.url}/") for _ in range(2)]
    for tab, name in zip(tabs, "ab", strict=True):
        tab.front()
        give(tab, PASTE, name)
    for tab, name in zip(tabs, "ab", strict=True):
        assert tab.run(TEXT) == shown(expected[name])
        assert [row[0] for row in tab.run(ROWS)] == [f"{name}.png"]


def test_the_curl_line_and_the_link_work(tab, server, expected):
    line = tab.run("$('curl').textContent")
    assert line == f"curl -s --data-binary @image.png {server.url}/read"
    url = line.split()[-1]
    assert httpx.post(url, content=png("a"), timeout=120).json()["text"] == expected["a"].text
    rest = re.search(rf"{server.url}(\S+)", tab.run("$('rest').textContent"))[1]
    encoded = base64.b64encode(png("a")).decode()
    answer = httpx.post(
        f"{server.url}{rest}", json={"inputs": {"input": {"b64": encoded}}}, timeout=120
    )
    assert answer.json()["outputs"]["output"] == expected["a"].text
    assert httpx.get(tab.run("$('metadata').href")).status_code == 200


def test_a_server_with_a_key_is_asked_with_the_key(running, tiny, expected):
    with live_server(tiny.model_dir, api_keys=["secret"]) as server:
        tab = running.open(f"{server.url}/")
        tab.front()
        give(tab, PASTE, "a")
        assert tab.run(STATUS).startswith("a.png: send the key")
        assert not tab.run("$('key-form').hidden")
        assert tab.run("document.activeElement.id") == "key"
        tab.run("$('key').value = 'secret'")
        tab.press("Enter")
        tab.wait("$('key-form').hidden")
        tab.run("say('')")
        give(tab, PASTE, "a")
        assert tab.run(TEXT) == shown(expected["a"])
        assert "Bearer $KEY" in tab.run("$('curl').textContent")


def test_a_server_that_has_gone_is_an_error(running, tiny):
    with live_server(tiny.model_dir) as server:
        tab = running.open(f"{server.url}/")
        tab.wait("$('model').textContent.includes('version')")
    tab.front()
    give(tab, PASTE, "a")
    assert tab.run(STATUS) == "a.png: the server does not answer"


def test_the_page_needs_nothing_from_elsewhere_and_may_not(server):
    answer = httpx.get(f"{server.url}/")
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", answer.text)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
