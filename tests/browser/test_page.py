"""The first page in a real browser."""
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from corvette import Corvette, base_config, file_camera, wait_for
from scenes import scene


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    video, _ = scene("yard", "--seed", 1, "--duration", 40, "--loopable", "--stamp")
    config = base_config({"yard": file_camera(video)})
    with Corvette(config, tmp_path_factory.mktemp("page")) as corvette:
        yield corvette


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--no-first-run", "--window-size=1280,900",
                     f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


def pictures(browser, selector):
    return [i for i in browser.find_elements(By.CSS_SELECTOR, selector)
            if browser.execute_script("return arguments[0].naturalWidth", i) > 0]


def test_live_pictures_and_events_appear(system, browser):
    wait_for(lambda: system.json("/api/events?include_thumbnails=0"), "an event", 120)
    browser.get(system.url + "/")
    wait_for(lambda: pictures(browser, "[data-camera=yard] img"), "the live picture of the camera")
    wait_for(lambda: pictures(browser, "[data-event] img"), "an event with its thumbnail")
    text = browser.find_element(By.TAG_NAME, "body").text.lower()
    assert any(label in text for label in ("person", "car", "dog", "bicycle"))
    assert "yard" in text
    severe = [e for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    assert not severe
