"""The pages in headless Chromium: from disk, without a network, by keyboard, on a phone, in the dark, on paper."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import report_samples as samples
from report_browser import Browser
from report_tools import Made, report

VISIBLE = "[...document.querySelectorAll('#rows tr')].filter(r => !r.hidden).map(r => r.querySelector('.rowlink').textContent)"
PAGES = ("index.html", "w/prophet--runsc.html", "w/pandas-list-of-lists--runsc.html", "w/watchfiles--runsc.html", "w/pillow--runsc.html", "w/lxml--runsc.html", "w/numpy--native.html")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Browser]:
    """The browser; a test fails if its pages said or loaded what they must not."""
    chromium.problems.clear()
    chromium.requests.clear()
    yield chromium
    assert chromium.problems == []


def show(page: Browser, made: Made, name: str, fragment: str = "", **how: object) -> None:
    page.open((made.out / name).as_uri() + (f"#{fragment}" if fragment else ""), **how)  # type: ignore[arg-type]


def trace(page: Browser, made: Made, fragment: str = "", name: str = "w/prophet--runsc.html", **how: object) -> None:
    show(page, made, name, fragment, **how)
    page.until("document.body.classList.contains('ready') && document.querySelector('.tr.here .a') && !document.querySelector('[data-pending]')")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_no_error_no_request_nothing_wider_than_the_screen(page: Browser, made: Made, name: str, width: int) -> None:
    for dark in (False, True):
        show(page, made, name, width=width, dark=dark)
        assert page.js("document.documentElement.scrollWidth") == width
        assert page.js("typeof window.hacked") == "undefined"
    assert page.requests
    assert all(url.startswith(("file:", "about:", "blob:")) for url in page.requests)


def test_search_filters_and_lives_in_the_url(page: Browser, made: Made) -> None:
    show(page, made, "index.html")
    page.key("/")
    page.type("fcntl")
    assert page.js(VISIBLE) == ["filelock", "h5py", "joblib"]
    assert page.js("location.hash") == "#q=fcntl"
    assert page.js("document.getElementById('shown').textContent") == "3 of 29"
    page.key("Escape")
    assert len(page.js(VISIBLE)) == 29
    assert page.js("location.hash") == ""


def test_state_filter(page: Browser, made: Made) -> None:
    show(page, made, "index.html")
    page.js("document.querySelector('input[value=crashes]').click()")
    page.js("document.querySelector('input[value=hangs]').click()")
    assert page.js(VISIBLE) == ["prophet", "watchfiles"]
    assert page.js("location.hash") == "#state=crashes,hangs"


def test_deep_link_restores_filter_sort_and_search(page: Browser, made: Made) -> None:
    show(page, made, "index.html", "state=fails&target=runsc&sort=time.runsc&dir=desc")
    names = page.js(VISIBLE)
    assert set(names) == {"filelock", "h5py", "joblib", "pillow", "psutil"}
    times = page.js("[...document.querySelectorAll('#rows tr')].filter(r => !r.hidden).map(r => parseFloat(r.querySelector('.num .value').textContent))")
    assert times == sorted(times, reverse=True)
    assert page.js("document.querySelector('th[data-sort=\"time.runsc\"]').getAttribute('aria-sort')") == "descending"
    show(page, made, "index.html", "q=nothing+at+all")
    assert page.js(VISIBLE) == []
    assert page.js("document.getElementById('none').hidden") is False
    page.js("document.querySelector('[data-clear]').click()")
    assert len(page.js(VISIBLE)) == 29


def test_column_heads_sort_both_ways(page: Browser, made: Made) -> None:
    show(page, made, "index.html")
    head = "document.querySelector('th[data-sort=\"vma.runsc\"] button').click()"
    page.js(head)
    assert page.js(VISIBLE)[0] == "pandas"
    assert page.js("location.hash") == "#sort=vma.runsc"
    page.js(head)
    assert page.js("location.hash") == "#sort=vma.runsc&dir=asc"
    assert page.js(VISIBLE)[-1] != "pandas"


def test_keyboard_goes_through_rows_and_opens_one(page: Browser, made: Made) -> None:
    show(page, made, "index.html", "q=prophet")
    page.key("j")
    assert page.js("document.activeElement.textContent") == "prophet"
    assert page.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.key("Enter")
    page.until("document.readyState === 'complete' && document.title.startsWith('prophet on runsc: crashes')")
    page.key("u")
    page.until("document.body.classList.contains('front')")


def test_links_between_workloads_by_key(page: Browser, made: Made) -> None:
    show(page, made, "w/prophet--runsc.html")
    page.key("]")
    page.until("document.readyState === 'complete' && document.title.startsWith('psutil on native')")
    page.key("[")
    page.until("document.readyState === 'complete' && document.title.startsWith('prophet on runsc')")


def test_skip_link_is_first(page: Browser, made: Made) -> None:
    show(page, made, "index.html")
    page.key("Tab")
    assert page.js("document.activeElement.className + document.activeElement.getBoundingClientRect().left") == "skip12"


def test_trace_opens_at_the_first_divergence(page: Browser, made: Made) -> None:
    trace(page, made)
    assert "where the target crashed" in page.js("document.querySelector('.lead').textContent")
    assert page.js("document.querySelector('.tr.here').classList.contains('first')") is True
    trace(page, made, name="w/h5py--runsc.html")
    assert "F_OFD_SETLK" in page.js("document.querySelector('.tr.here .a').textContent")
    assert page.js("document.querySelector('.tr.here .b b').textContent") == "-1 EINVAL"
    assert "another result" in page.js("document.getElementById('row-detail').textContent")


def test_a_hundred_thousand_rows_stay_smooth(page: Browser, made: Made) -> None:
    trace(page, made)
    assert page.js("document.getElementById('trace').getAttribute('aria-rowcount')") == "100000"
    worst = page.js("""(async () => {
        const box = document.getElementById('trace');
        const spent = [];
        for (let i = 0; i < 120; i++) {
            box.scrollTop = (box.scrollHeight - box.clientHeight) * ((i * 37) % 120) / 119;
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            const before = performance.now();
            box.dispatchEvent(new Event('scroll'));
            await new Promise((done) => requestAnimationFrame(done));
            spent.push(performance.now() - before);
        }
        return [spent.sort((a, b) => a - b)[60], document.querySelectorAll('.tr').length];
    })()""")
    assert worst[0] < 100  # the median frame, on a shared machine
    assert worst[1] < 80  # elements, not rows
    page.js("document.getElementById('trace').scrollTop = 1e9")
    page.until("document.querySelector('.tr[aria-rowindex=\"100000\"] .a')?.textContent.length > 3")


def test_rows_are_reached_by_link_key_and_search(page: Browser, made: Made) -> None:
    trace(page, made, "row=77777")
    assert page.js("document.querySelector('.tr.here').dataset.row") == "77777"
    page.js("document.getElementById('trace').focus()")
    page.key("j")
    page.key("ArrowDown")
    page.key("k")
    assert page.js("location.hash") == "#row=77778"
    page.key("n")
    page.until("document.querySelector('.tr.here.d')")
    ahead = int(page.js("document.querySelector('.tr.here').dataset.row"))
    assert ahead > 77778
    page.key("End")
    page.until("document.querySelector('.tr.here')?.dataset.row === '99999'")
    page.key("Home")
    page.until("document.querySelector('.tr.here')?.dataset.row === '0'")
    page.js("document.getElementById('find').focus()")
    page.type("rseq(")
    page.key("Enter")
    page.until("document.querySelector('.tr.here .a')?.textContent.includes('rseq(')")


def test_differences_only_and_one_process(page: Browser, made: Made) -> None:
    trace(page, made)
    page.js("document.getElementById('only').click()")
    count = int(page.js("document.getElementById('trace').getAttribute('aria-rowcount')"))
    assert 1500 < count < 8000
    page.until("document.querySelectorAll('.tr.d').length > 3")
    page.js("document.getElementById('only').click()")
    page.js("const s = document.getElementById('segment'); s.value = '2'; s.dispatchEvent(new Event('change'))")
    assert page.js("document.getElementById('trace').getAttribute('aria-rowcount')") == "25000"
    page.until("Number(document.querySelector('.tr.here').dataset.row) >= 50000")


def test_copy_button_copies_the_command(page: Browser, made: Made) -> None:
    show(page, made, "w/prophet--runsc.html")
    page.send("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    page.js("document.querySelector('.copy').click()")
    page.until("document.querySelector('.copy').classList.contains('done')")
    assert page.js("navigator.clipboard.readText()").startswith("lockstep repro ")


def test_a_link_to_a_finding_opens_it(page: Browser, made: Made) -> None:
    show(page, made, "w/prophet--runsc.html", "f-77c01d22aa10")
    assert page.js("document.querySelector('#f-77c01d22aa10 details').open") is True


def test_pictures_of_memory(page: Browser, made: Made) -> None:
    show(page, made, "w/pandas-list-of-lists--runsc.html")
    assert page.js("document.querySelectorAll('#memory path.curve.target-host').length") == 2  # the curve and its key
    assert "65,530" in page.js("document.querySelector('#memory .limit-label').textContent")
    assert "powers of ten" in page.js("document.getElementById('memory').textContent")
    assert page.js("document.querySelector('#memory path.curve').getBBox().width") > 500
    show(page, made, "w/prophet--runsc.html")
    assert page.js("document.querySelector('#elf .bracket-label').textContent") == "DYNAMIC"
    assert page.js("document.querySelectorAll('#elf .elf-page .page-departed').length") == 1


def test_hostile_output_stays_text(page: Browser, made: Made) -> None:
    show(page, made, "w/pillow--runsc.html")
    assert page.js("document.querySelectorAll('main script:not([type=\"application/json\"]), main img').length") == 0
    assert "<script>window.hacked=1</script>" in page.js("document.getElementById('outcome').textContent")


def test_paper_shows_everything_unfolded(page: Browser, made: Made) -> None:
    trace(page, made)
    page.send("Emulation.setEmulatedMedia", {"media": "print"})
    page.js("dispatchEvent(new Event('beforeprint'))")
    try:
        assert page.js("document.querySelectorAll('details:not([open])').length") == 0
        assert page.js("getComputedStyle(document.getElementById('trace-static')).display") == "block"
        assert page.js("getComputedStyle(document.getElementById('viewer')).display") == "none"
        assert page.js("getComputedStyle(document.querySelector('.rail')).display") == "none"
    finally:
        page.js("dispatchEvent(new Event('afterprint'))")
        page.send("Emulation.setEmulatedMedia", {"media": ""})
    assert page.pdf().startswith(b"%PDF")


def test_tables_name_their_heads(page: Browser, made: Made) -> None:
    for name in PAGES:
        show(page, made, name)
        assert page.js("[...document.querySelectorAll('th')].filter(t => !t.scope).length") == 0, name
        assert page.js("[...document.querySelectorAll('svg[role=img]')].filter(s => !s.querySelector('title') && !s.getAttribute('aria-label')).length") == 0, name
        assert page.js("document.querySelectorAll('h1').length") == 1, name


def luminance(colour: str) -> float:
    parts = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
    r, g, b = (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


CONTRAST = """[...document.querySelectorAll('main *, header *')].filter(e => e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && !e.closest('.none, .sr'))
    .map(e => {
        const svg = e.closest('svg');
        let back = e;
        const clear = (b) => getComputedStyle(b).backgroundColor === 'rgba(0, 0, 0, 0)';
        while (back && (back.closest('svg') || clear(back))) back = back.parentElement;
        const c = getComputedStyle(e);
        return [svg ? c.fill : c.color, getComputedStyle(back || document.body).backgroundColor, e.tagName + '.' + e.getAttribute('class') + ': ' + e.textContent.slice(0, 30)];
    })"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_contrast(page: Browser, made: Made, dark: bool) -> None:
    for name in PAGES:
        show(page, made, name, dark=dark)
        time.sleep(0.1)
        seen = {(a, b): what for a, b, what in page.js(CONTRAST) if not what.startswith("title")}
        assert len(seen) > 3
        for (ink, ground), what in seen.items():
            light, low = sorted((luminance(ink), luminance(ground)), reverse=True)
            assert (light + 0.05) / (low + 0.05) >= 4.5, f"{name}: {what}: {ink} on {ground}"


def test_many_targets_scroll_in_their_own_box(page: Browser, tmp_path: Path) -> None:
    for case in samples.cases(("native", "runsc", "emul", "qemu-x86_64", "runsc-nightly")):
        if case.package in ("numpy", "h5py", "lxml", "watchfiles"):
            samples.write_bundle(tmp_path / "home", samples.RUNS[2], case, rows=0, seed="m")
    assert report(tmp_path / "home", "-o", str(tmp_path / "out")).returncode == 0
    for width in (1280, 390):
        page.open((tmp_path / "out" / "index.html").as_uri() + "#target=emul&state=hangs", width=width)
        assert page.js("document.documentElement.scrollWidth") == width
        assert page.js(VISIBLE) == ["watchfiles"]
    assert page.js("document.querySelectorAll('.hero').length") == 4
