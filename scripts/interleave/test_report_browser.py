"""Does the page of a result work in a browser? In Chromium without a window, from a file.

What a page says of itself must hold: it asks for nothing, its switches switch, it can be used by
keyboard, read in the dark and on a phone. Left out, and said so, where there is no Chromium.
"""

import copy
import json
import re
import shutil
from dataclasses import replace

import pytest

from interleave import report
from interleave.report_fixture import drawn_page
from interleave.summary_csv import as_csv

selenium = pytest.importorskip("selenium", reason="python3-selenium is not installed")
CHROME = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not CHROME or not DRIVER,
                                reason="chromium or chromedriver is not installed")
EVIL = "<script>window.evil = 1</script><img src=x onerror='window.evil = 2'>"

# Contrast as WCAG 2 defines it, of an element's text against what is behind it.
CONTRAST = """
const numbers = (c) => c.match(/[\\d.]+/g).map(Number);
const light = (c) => {
  const [r, g, b] = numbers(c).map((v) => v / 255).map(
    (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (e) => {
  for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (numbers(c).length === 3 || numbers(c)[3] === 1) return c;
  }
  return "rgb(255, 255, 255)";
};
return arguments[0].map((selector) => {
  const e = document.querySelector(selector);
  const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
  return [selector, (a + 0.05) / (b + 0.05)];
});
"""


@pytest.fixture(scope="module")
def file(data, tmp_path_factory):
    """The page of a made-up result, some words of which would like to run."""
    folder = tmp_path_factory.mktemp("page")
    summary = copy.deepcopy(data.summary)
    summary["trust"]["reasons"].append(EVIL)
    manifest = data.result.manifest | {"libraries": {"evil": EVIL}}
    html, _ = drawn_page(replace(data.result, manifest=manifest), summary, folder, only={
        "makespan-over-agents", "ladder", "time-spent", "winner-map", "cpu-cost"})
    path = folder / report.PAGE
    path.write_text(html)
    return path


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    options = webdriver.ChromeOptions()
    options.binary_location = CHROME
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--disable-background-networking", "--window-size=1280,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(service=Service(DRIVER), options=options)
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, file):
    """The page as it is when it was just opened; it is loaded once for all tests. After each of
    them nothing may have gone wrong, and no request may have left."""
    if browser.current_url != file.as_uri():
        browser.get(file.as_uri())
    browser.execute_script("""document.querySelector('#all').click();
        const s = document.querySelector('#scenario');
        s.value = ''; s.dispatchEvent(new Event('change'));
        document.activeElement.blur(); scrollTo(0, 0);""")
    yield browser
    assert [url for url in asked_for(browser) if not url.startswith((file.as_uri(), "data:"))] == []
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def asked_for(browser):
    """Every address since the last time that the browser asked anybody for."""
    messages = [json.loads(entry["message"])["message"] for entry in
                browser.get_log("performance")]
    return [message["params"]["request"]["url"] for message in messages
            if message["method"] == "Network.requestWillBeSent"]


def find(page, selector):
    return page.find_element("css selector", selector)


def visible(page, selector):
    """How many of these can be seen, and how many there are."""
    return tuple(page.execute_script("""const all = [...document.querySelectorAll(arguments[0])];
        return [all.filter((e) => e.getClientRects().length > 0).length, all.length];""", selector))


def choose(page, scenario):
    from selenium.webdriver.support.ui import Select
    Select(find(page, "#scenario")).select_by_value(scenario)


def column(page, number):
    return page.execute_script("""return [...document.querySelectorAll('#numbers tbody tr')].map(
        (row) => row.cells[arguments[0]].textContent.trim());""", number)


def nanoseconds(text):
    found = re.match(r"(?:≥ )?([\d.,]+) (ns|µs|ms|s)$", text)
    factor = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}
    return float(found[1].replace(",", "")) * factor[found[2]] if found else None


def test_a_model_that_is_switched_off_is_gone_from_figures_and_tables(page):
    button = find(page, '[data-toggle="asio"]')
    for part in ("figure g", "#numbers tr", ".tiers .chip"):
        seen, count = visible(page, f'{part}[data-m="asio"]')
        assert seen == count > 0, part
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    for part in ("figure g", "#numbers tr", ".tiers .chip"):
        assert visible(page, f'{part}[data-m="asio"]')[0] == 0, part
        seen, count = visible(page, f'{part}[data-m="libuv"]')
        assert seen == count > 0, part
    assert "5 of 6 models" in find(page, "#said").text
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert visible(page, 'figure g[data-m="asio"]')[0] > 0


def test_all_models_can_be_hidden_and_shown_at_once(page):
    find(page, "#none").click()
    assert visible(page, "figure g[data-m], #numbers tbody tr")[0] == 0
    find(page, "#all").click()
    seen, count = visible(page, "figure g[data-m], #numbers tbody tr")
    assert seen == count > 0


def test_a_scenario_shows_its_panels_and_rows_alone_and_larger(page):
    box = ("return document.querySelector('#figure-makespan-over-agents svg')"
           ".getAttribute('viewBox')")
    whole = page.execute_script(box)
    choose(page, "layers")
    assert {"layers"} == set(column_seen(page, 0))
    assert visible(page, 'g[data-s="fanout"]')[0] == 0 < visible(page, 'g[data-s="layers"]')[0]
    zoomed = page.execute_script(box)
    assert float(zoomed.split()[2]) < float(whole.split()[2])
    assert find(page, "#figure-makespan-over-agents h3").size["height"] > 10  # the drawing's is cut
    choose(page, "")
    assert page.execute_script(box) == whole
    assert len(column_seen(page, 0)) == visible(page, "#numbers tbody tr")[1]


def column_seen(page, number):
    return page.execute_script("""return [...document.querySelectorAll('#numbers tbody tr')].filter(
        (r) => r.getClientRects().length).map((r) => r.cells[arguments[0]].textContent.trim());""",
                               number)


def test_what_a_link_leads_to_is_not_below_the_bar(page):
    page.execute_script("document.querySelector('nav a[href=\"#tables\"]').click()")
    top, bar = page.execute_script("""return [
        document.querySelector('#tables h2').getBoundingClientRect().top,
        document.querySelector('#bar').getBoundingClientRect().bottom];""")
    assert top >= bar > 0


def test_a_figure_without_a_panel_of_the_scenario_steps_aside(page):
    choose(page, "parked")
    assert visible(page, "#figure-makespan-over-agents")[0] == 0
    choose(page, "")
    assert visible(page, "#figure-makespan-over-agents")[0] == 1


def test_a_table_is_sorted_by_what_its_numbers_mean(page):
    head = find(page, "#numbers th:nth-child(4)")
    head.find_element("tag name", "button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    times = [nanoseconds(text) for text in column(page, 3)]
    known = [t for t in times if t is not None]
    assert len(known) > 50 and known == sorted(known)
    assert times[len(known):] == [None] * (len(times) - len(known))  # unknown ones last
    head.find_element("tag name", "button").click()
    assert head.get_attribute("aria-sort") == "descending"
    times = [nanoseconds(text) for text in column(page, 3)]
    assert times[:len(known)] == sorted(known, reverse=True) and not any(times[len(known):])
    find(page, "#numbers th:nth-child(3) button").click()
    assert head.get_attribute("aria-sort") is None
    names = column(page, 2)
    assert names == sorted(names)


def test_everything_can_be_done_with_the_keyboard(page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    page.execute_script("document.body.tabIndex = -1; document.body.focus();")
    ActionChains(page).send_keys(Keys.TAB).perform()
    skip = page.switch_to.active_element
    assert skip.text == "Skip to the answer" and skip.location["x"] >= 0
    page.execute_script("document.body.removeAttribute('tabindex')")
    button = find(page, '[data-toggle="tbb"]')
    button.send_keys(Keys.SPACE)
    assert button.get_attribute("aria-pressed") == "false"
    assert page.execute_script("return getComputedStyle(arguments[0]).outlineStyle", button) == \
        "solid"
    button.send_keys(Keys.ENTER)
    assert button.get_attribute("aria-pressed") == "true"
    head = find(page, "#numbers th:nth-child(6)")
    head.find_element("tag name", "button").send_keys(Keys.ENTER)
    assert head.get_attribute("aria-sort") == "ascending"
    find(page, "#scenario").send_keys("layers")
    assert set(column_seen(page, 0)) == {"layers"}


def test_the_numbers_can_be_saved_out_of_the_file(page, data, tmp_path):
    from selenium.webdriver.support.ui import WebDriverWait
    page.execute_cdp_cmd("Browser.setDownloadBehavior", {
        "behavior": "allow", "downloadPath": str(tmp_path), "eventsEnabled": False})
    find(page, "a[download]").click()
    saved = tmp_path / f"{data.summary['result_id']}.csv"
    WebDriverWait(page, 10).until(lambda _: saved.is_file())
    assert saved.read_bytes().decode() == as_csv(data.summary)


def test_a_text_to_cite_can_be_copied(page):
    button = find(page, '[data-copy="text-bibtex"]')
    button.click()
    assert "@misc{" in page.execute_script("return getSelection().toString()")
    assert button.text.startswith("Cop")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(page, scheme):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": scheme}]})
    found = page.execute_script(CONTRAST, [
        "h1", ".lead", ".trust h2", ".strip dt", ".strip span", ".why li", "nav a", ".cards h3",
        ".cards .where", ".not b", ".bar button", "#scenario", ".tiers small", "#numbers td",
        "#numbers th button", "figcaption summary", ".state.care", ".state.none", "footer p",
        "pre"])
    assert {selector: round(ratio, 1) for selector, ratio in found if ratio < 4.5} == {}
    colour = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (int(re.search(r"\d+", colour)[0]) < 60) == (scheme == "dark")
    assert page.execute_script("return getComputedStyle(document.querySelector('.drawing'))"
                               ".backgroundColor") == "rgb(255, 255, 255)"
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_on_a_phone_nothing_sticks_out(page):
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True})
    wide = page.execute_script("return document.documentElement.scrollWidth")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide == 390


def test_on_paper_there_are_no_switches(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 794, "height": 1123, "deviceScaleFactor": 1, "mobile": False})
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    wide, room = page.execute_script("""const root = document.documentElement;
        return [root.scrollWidth, root.clientWidth];""")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide == room and visible(page, "details table")[0] > 0  # opened, and none sticks out
    seen = visible(page, ".bar, nav, .copy button")[0], visible(page, "figure svg, #numbers tr")[0]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert seen[0] == 0 < seen[1]


def test_what_files_say_did_not_run(page):
    assert page.execute_script("return window.evil") is None
    assert "<script>" in find(page, ".why").text


def test_without_a_script_everything_is_there_to_see(page, file):
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    page.get(file.as_uri() + "?without")
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert visible(page, "#bar, .script")[0] == 0
    for part in ("#numbers tbody tr", "figure svg", "figure g[data-m]"):
        seen, count = visible(page, part)
        assert seen == count > 0, part


def test_that_a_request_leaves_would_be_seen(page, file):
    page.get(file.as_uri() + "?again")
    assert file.as_uri() + "?again" in asked_for(page)


def test_the_page_could_ask_for_nothing_even_if_it_wanted(page):
    answer = page.execute_async_script("""const done = arguments[0];
        fetch("https://example.org/").then(() => done("answered"), () => done("refused"));""")
    assert answer == "refused"
    assert "https://example.org/" not in asked_for(page)
    assert any("Content Security Policy" in said["message"] for said in page.get_log("browser"))
